import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { HttpClientConfig } from 'pillion';
import { describe, expect, it } from 'vitest';
import { probeClient } from '../../src/cli/checks/dry-run.js';
import { parseConfig } from '../../src/client/config/config.js';
import { isoTime } from '../../src/transport/tls/certificate.js';
import { answer } from '../support/behaviours.js';
import { authority, type Identity } from '../support/certificates.js';
import { runChild } from '../support/child.js';
import { files } from '../support/files.js';
import { startH2 } from '../support/h2-server.js';
import { closedPort, closing, type Listening, startHttp, startHttps, startTcp } from '../support/upstream.js';
import { pillion } from './pillion.js';

const day = 86_400_000;
const ca = await authority('the authority');
const stranger = await authority('a stranger');
const server = await ca.issue({ name: 'server', dns: ['localhost'], expiresIn: 30 * day });
const client = await ca.issue({ name: 'client', uris: ['spiffe://test/client'], expiresIn: 30 * day });
const strange = await stranger.issue({ name: 'strange', dns: ['localhost'] });

const { cert, key } = server;
const own = { cert: client.cert, key: client.key };
const mutual = { cert, key, ca: ca.cert, requestCert: true, rejectUnauthorized: true };

/** Each step as `step detail`, times left out. */
async function probe(baseURL: string, options: HttpClientConfig = {}) {
  const { ok, origin, steps } = await probeClient({ ...parseConfig({ ...options, baseURL }), baseURL });
  for (const { ms } of steps) if (ms !== undefined) expect(ms).toBeGreaterThanOrEqual(0);
  return { ok, origin, steps: steps.map(({ step, detail, failed }) => `${step} ${failed ? 'FAILED ' : ''}${detail}`) };
}

const shown = ({ cert }: Identity, subject: string, names: string, issuer = 'the authority') =>
  expect.stringMatching(
    new RegExp(`CN=${subject}; ${names}; issued by CN=${issuer}; until ${timeOf(cert)} \\([\\d.-]+ days left\\)$`),
  );

const timeOf = (pem: string) => isoTime(Date.parse(new X509Certificate(pem).validTo));

const resolved = expect.stringMatching(/^resolve (::1, )?127\.0\.0\.1(, ::1)?$/);
const connected = ({ port }: Listening) => `connect 127.0.0.1 port ${port}`;
const serverShown = shown(server, 'server', 'DNS:localhost');

/** Every connection of the probe has ended. */
async function allClosed({ connections }: Listening) {
  expect(connections.length).toBeGreaterThan(0);
  await Promise.all(connections.map(closing));
}

/** Reads what comes: a socket that nobody reads from does not notice its end. */
const silent = (socket: Socket) => {
  socket.resume();
};

const hangsUp = (socket: Socket) => {
  socket.resume().end();
};

describe('a probe', () => {
  it('resolves and connects, and sends no request', async () => {
    const upstream = await startHttp(answer());
    expect(await probe(`${upstream.origin}/v1/`)).toEqual({
      ok: true,
      origin: upstream.origin,
      steps: ['resolve 127.0.0.1', connected(upstream)],
    });
    await allClosed(upstream);
    expect(upstream.requests).toEqual([]);
  });

  it('shakes hands with a TLS server, and shows its certificate', async () => {
    const upstream = await startHttps({ cert, key }, answer());
    expect(await probe(upstream.origin, { tls: { ca: ca.cert } })).toEqual({
      ok: true,
      origin: upstream.origin,
      steps: [
        'identity no client certificate',
        resolved,
        connected(upstream),
        expect.stringMatching(/^handshake TLSv1\.3, TLS_\w+, http\/1\.1$/),
        serverShown,
      ],
    });
    await allClosed(upstream);
    expect(upstream.requests).toEqual([]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('shows the certificate of its own to a server that asks: %s', async (v) => {
    const upstream = await startHttps({ ...mutual, minVersion: v, maxVersion: v }, answer());
    const { ok, steps } = await probe(upstream.origin, { tls: { ca: ca.cert, ...own } });
    expect({ ok, steps }).toEqual({
      ok: true,
      steps: [
        shown(client, 'client', 'URI:spiffe://test/client'),
        resolved,
        connected(upstream),
        expect.stringMatching(`^handshake ${v}, `),
        serverShown,
      ],
    });
    await allClosed(upstream);
  });

  it.each([
    [true, 'h2'],
    [false, 'http/1.1'],
  ])('asks for HTTP/2 as the client would: allowH2 %s', async (allowH2, protocol) => {
    const upstream = await startHttps({ cert, key, ALPNProtocols: ['h2', 'http/1.1'] }, answer());
    const { ok, steps } = await probe(upstream.origin, { allowH2, tls: { ca: ca.cert } });
    expect({ ok, handshake: steps[3] }).toEqual({ ok: true, handshake: expect.stringMatching(`, ${protocol}$`) });
    await allClosed(upstream);
  });

  it('waits for the SETTINGS of a server that is to speak HTTP/2 without TLS', async () => {
    const server = await startH2([], {}, 'http');
    const { ok, steps } = await probe(server.origin, { allowH2: 'prior-knowledge' });
    expect([ok, steps.slice(2)]).toEqual([true, ['handshake HTTP/2 without TLS']]);
    expect(server.requests).toHaveLength(0);
  });

  it('asks for the server by the name that the options say', async () => {
    const names: string[] = [];
    const internal = await ca.issue({ name: 'internal', dns: ['api.internal'] });
    const SNICallback = (name: string, done: (error: null) => void) => {
      names.push(name);
      done(null);
    };
    const upstream = await startHttps({ cert: internal.cert, key: internal.key, SNICallback }, answer());
    const { ok } = await probe(upstream.origin, { tls: { ca: ca.cert, serverName: 'api.internal' } });
    expect({ ok, names }).toEqual({ ok: true, names: ['api.internal'] });
    await allClosed(upstream);
  });
});

describe('a probe that fails says at which step and why:', () => {
  it('nobody listens', async () => {
    const port = await closedPort();
    expect(await probe(`http://127.0.0.1:${port}`)).toMatchObject({
      ok: false,
      steps: ['resolve 127.0.0.1', `connect FAILED connect ECONNREFUSED 127.0.0.1:${port}`],
    });
  });

  it('nobody listens on any of several addresses', async () => {
    const port = await closedPort();
    const { ok, steps } = await probe(`http://localhost:${port}`);
    expect({ ok, steps }).toEqual({
      ok: false,
      steps: [resolved, expect.stringMatching(`^connect FAILED .*ECONNREFUSED 127\\.0\\.0\\.1:${port}`)],
    });
  });

  it('the name does not resolve', async () => {
    const { ok, steps } = await probe('https://users.invalid');
    expect({ ok, steps }).toEqual({
      ok: false,
      steps: [expect.stringMatching(/^resolve FAILED getaddrinfo (ENOTFOUND|EAI_AGAIN) users\.invalid$/)],
    });
  });

  it('its own certificate is not there', async () => {
    const { ok, steps } = await probe('https://localhost:1', { tls: { ca: '/nowhere/ca.crt' } });
    expect({ ok, steps }).toEqual({
      ok: false,
      steps: [expect.stringMatching(/^identity FAILED .*tls\.ca \(\/nowhere\/ca\.crt\): there is no such file/)],
    });
  });

  it('the server is certified by another authority, and who it is', async () => {
    const upstream = await startHttps({ cert: strange.cert, key: strange.key }, answer());
    const { ok, steps } = await probe(upstream.origin, { tls: { ca: ca.cert } });
    expect({ ok, steps: steps.slice(3) }).toEqual({
      ok: false,
      steps: [
        expect.stringMatching(/^handshake FAILED UNABLE_TO_\w+ /),
        shown(strange, 'strange', 'DNS:localhost', 'a stranger'),
      ],
    });
    await allClosed(upstream);
  });

  it('the server has another name, and which', async () => {
    const other = await ca.issue({ name: 'other', dns: ['other.test'] });
    const upstream = await startHttps({ cert: other.cert, key: other.key }, answer());
    const { ok, steps } = await probe(upstream.origin, { tls: { ca: ca.cert } });
    expect({ ok, steps: steps.slice(3) }).toEqual({
      ok: false,
      steps: [
        expect.stringMatching(/^handshake FAILED ERR_TLS_CERT_ALTNAME_INVALID .*localhost/),
        shown(other, 'other', 'DNS:other.test'),
      ],
    });
    await allClosed(upstream);
  });

  it('the server has none of the names and pins that are asked for', async () => {
    const upstream = await startHttps({ cert, key }, answer());
    const named = await probe(upstream.origin, { tls: { ca: ca.cert, subjectAltNames: ['spiffe://test/server'] } });
    const pinned = await probe(upstream.origin, { tls: { ca: ca.cert, pins: [client.pin] } });
    expect([named.ok, pinned.ok]).toEqual([false, false]);
    expect([named.steps.slice(3), pinned.steps.slice(3)]).toEqual([
      [
        expect.stringMatching(/^handshake FAILED .*none of tls\.subjectAltNames \(spiffe:\/\/test\/server\)/),
        serverShown,
      ],
      [expect.stringMatching(/^handshake FAILED .*its public key is none of tls\.pins/), serverShown],
    ]);
    await allClosed(upstream);
  });

  it('the server has a certificate that has expired', async () => {
    const old = await ca.issue({ name: 'old', dns: ['localhost'], expiresIn: -day });
    const upstream = await startHttps({ cert: old.cert, key: old.key }, answer());
    const { ok, steps } = await probe(upstream.origin, { tls: { ca: ca.cert } });
    expect({ ok, steps: steps.slice(3) }).toEqual({
      ok: false,
      steps: [expect.stringMatching(/^handshake FAILED CERT_HAS_EXPIRED /), shown(old, 'old', 'DNS:localhost')],
    });
    await allClosed(upstream);
  });

  it('the server asks for a certificate and gets none: TLS 1.2', async () => {
    const upstream = await startHttps({ ...mutual, maxVersion: 'TLSv1.2' }, answer());
    const { ok, steps } = await probe(upstream.origin, { tls: { ca: ca.cert } });
    expect({ ok, last: steps.at(-1) }).toEqual({ ok: false, last: expect.stringMatching(/^handshake FAILED /) });
    await allClosed(upstream);
  });

  it('the server asks for a certificate and gets none: TLS 1.3, which says so late', async () => {
    const upstream = await startHttps({ ...mutual, minVersion: 'TLSv1.3' }, answer());
    const { ok, steps } = await probe(upstream.origin, { tls: { ca: ca.cert } });
    expect({ ok, steps: steps.slice(3) }).toEqual({
      ok: false,
      steps: [
        expect.stringMatching(/^handshake TLSv1\.3, /),
        serverShown,
        expect.stringMatching(/^handshake FAILED .*certificate required/),
      ],
    });
    await allClosed(upstream);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('the server does not trust who certified the client: %s', async (v) => {
    const upstream = await startHttps({ ...mutual, minVersion: v, maxVersion: v }, answer());
    const { ok, steps } = await probe(upstream.origin, { tls: { ca: ca.cert, cert: strange.cert, key: strange.key } });
    expect({ ok, last: steps.at(-1) }).toEqual({ ok: false, last: expect.stringMatching(/^handshake FAILED /) });
    await allClosed(upstream);
  });

  it('the handshake is never answered', async () => {
    const upstream = await startTcp(silent);
    const started = performance.now();
    const { ok, steps } = await probe(`https://localhost:${upstream.port}`, { timeouts: { connect: 200 } });
    expect({ ok, steps }).toEqual({
      ok: false,
      steps: [resolved, connected(upstream), 'handshake FAILED no answer within timeouts.connect of 200 ms'],
    });
    expect(performance.now() - started).toBeLessThan(2000);
    await allClosed(upstream);
  });

  it('the server hangs up in the handshake', async () => {
    const upstream = await startTcp(hangsUp);
    const { ok, steps } = await probe(`https://localhost:${upstream.port}`);
    expect({ ok, last: steps.at(-1) }).toEqual({
      ok: false,
      last: expect.stringMatching(/^handshake FAILED ECONNRESET /),
    });
    await allClosed(upstream);
  });

  it('the server speaks no TLS', async () => {
    const upstream = await startHttp(answer());
    const { ok, steps } = await probe(upstream.origin.replace('http:', 'https:'));
    expect({ ok, last: steps.at(-1) }).toEqual({ ok: false, last: expect.stringMatching(/^handshake FAILED .*SSL/) });
    await allClosed(upstream);
  });

  it.each<[string, (socket: Socket) => void, string]>([
    [
      'speaks HTTP/1.1',
      (socket) => void socket.resume().end('HTTP/1.1 400 \r\n\r\n'),
      'the server does not speak HTTP/2',
    ],
    ['hangs up', hangsUp, 'the server closed the connection before its HTTP/2 SETTINGS'],
    ['is silent', silent, 'no answer within timeouts.connect of 50 ms'],
  ])('the server is to speak HTTP/2 without TLS and %s', async (_, script, said) => {
    const upstream = await startTcp(script);
    const options = { allowH2: 'prior-knowledge', timeouts: { connect: 50 } } as const;
    const { ok, steps } = await probe(`http://127.0.0.1:${upstream.port}`, options);
    expect([ok, steps.slice(2)]).toEqual([false, [`handshake FAILED ${said}`]]);
    await allClosed(upstream);
  });

  it('the server speaks an older TLS than the client', async () => {
    const upstream = await startHttps({ cert, key, maxVersion: 'TLSv1.2' }, answer());
    const { ok, steps } = await probe(upstream.origin, { tls: { ca: ca.cert, minVersion: 'TLSv1.3' } });
    expect({ ok, steps: steps.slice(3) }).toEqual({
      ok: false,
      steps: [expect.stringMatching(/^handshake FAILED .*protocol version/i), serverShown],
    });
    await allClosed(upstream);
  });
});

describe('a process that has probed', () => {
  const script = (baseURL: string, options: object) => {
    const { 'clients.json': path } = files({
      'clients.json': JSON.stringify({ clients: { a: { baseURL, ...options } } }),
    });
    return `
      process.argv = ['node', 'pillion', 'probe', ${JSON.stringify(path)}, 'a'];
      process.stdout.write = () => true;
      await import('./dist/esm/cli/pillion.js');
      report({ ok: process.exitCode === 0, left: await leftovers() });
      process.exitCode = 0;
    `;
  };
  const tls = { ca: ca.cert };

  it.each<[string, boolean, () => Promise<Listening>, object]>([
    ['a server that is well', true, () => startHttps({ cert, key }, answer()), { tls }],
    [
      'a server of another authority',
      false,
      () => startHttps({ cert: strange.cert, key: strange.key }, answer()),
      { tls },
    ],
    ['a server that never answers', false, () => startTcp(silent), { timeouts: { connect: 100 } }],
    ['a server that hangs up', false, () => startTcp(hangsUp), {}],
  ])('has nothing left open and ends at once: %s', async (_, ok, start, options) => {
    const { port } = await start();
    const { code, reports, stderr, lingered } = await runChild(script(`https://localhost:${port}`, options));
    expect({ code, reports, stderr }).toEqual({ code: 0, reports: [{ ok, left: [] }], stderr: '' });
    expect(lingered).toBeLessThan(1000);
  });

  it('has nothing left open and ends at once: a server that refuses late', async () => {
    const { port } = await startHttps({ ...mutual, minVersion: 'TLSv1.3' }, answer());
    const { code, reports, stderr } = await runChild(script(`https://localhost:${port}`, { tls }));
    expect({ code, reports, stderr }).toEqual({ code: 0, reports: [{ ok: false, left: [] }], stderr: '' });
  });
});

describe('pillion probe', () => {
  it('prints each step and how long it took', async () => {
    const upstream = await startHttps(mutual, answer());
    const paths = files({ 'ca.crt': ca.cert, 'tls.crt': client.cert, 'tls.key': client.key });
    const tls = { ca: paths['ca.crt'], cert: paths['tls.crt'], key: paths['tls.key'] };
    const clients = { users: { baseURL: `${upstream.origin}/v1`, tls } };
    const { 'clients.json': path } = files({ 'clients.json': JSON.stringify({ clients }) });
    const { code, stdout, stderr } = await pillion('probe', path, 'users');
    const until = (pem: string) => `until ${timeOf(pem)} \\(29\\.9 days left\\)`;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(
        [
          `^users ${upstream.origin}`,
          ` {2}identity {3}CN=client; URI:spiffe://test/client; issued by CN=the authority; ${until(client.cert)}`,
          ' {2}resolve {4}.*127\\.0\\.0\\.1.* {2}[\\d.]+ ms',
          ` {2}connect {4}127\\.0\\.0\\.1 port ${upstream.port} {2}[\\d.]+ ms`,
          ' {2}handshake {2}TLSv1\\.3, \\w+, http/1\\.1 {2}[\\d.]+ ms',
          ` {2}server {5}CN=server; DNS:localhost; issued by CN=the authority; ${until(cert)}`,
          'ok\n$',
        ].join('\n'),
      ),
    );
    await allClosed(upstream);
  });

  it('fails where a step does, and prints that as JSON', async () => {
    const port = await closedPort();
    const { 'clients.yaml': path } = files({
      'clients.yaml': `clients: { a: { baseURL: "http://127.0.0.1:${port}" } }`,
    });
    const { code, stdout, stderr } = await pillion('probe', path, 'a', '--json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      origin: `http://127.0.0.1:${port}`,
      ok: false,
      steps: [
        { step: 'resolve', detail: '127.0.0.1', ms: expect.any(Number) },
        { step: 'connect', detail: `connect ECONNREFUSED 127.0.0.1:${port}`, failed: true },
      ],
    });
    expect((await pillion('probe', path, 'a')).stdout).toMatch(
      /^a http:\/\/127\.0\.0\.1:\d+\n {2}resolve {4}127\.0\.0\.1 {2}[\d.]+ ms\n {2}connect {4}FAILED connect ECONNREFUSED 127\.0\.0\.1:\d+\nfailed\n$/,
    );
  });

  it('says that a client has no baseURL, and that there is no such client', async () => {
    const { 'clients.yaml': path } = files({ 'clients.yaml': 'clients: { a: {} }' });
    expect(await pillion('probe', path, 'a')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'the client "a" has no baseURL to probe\n',
    });
    expect(await pillion('probe', path, 'b')).toEqual({
      code: 1,
      stdout: '',
      stderr: `${path} has no client "b"; its clients are a\n`,
    });
  });
});
