import { constants } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { createIdentity, type Identity } from 'pillion';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Authority, authority, type Identity as Pem } from '../../support/certificates.js';
import { files } from '../../support/files.js';
import { shown, silent } from './rotating.js';
import type { Pair } from './stores.js';

let ca: Authority;
let other: Authority;
let first: Pem;
let second: Pem;
let caller: Pem;
let stranger: Pem;

beforeAll(async () => {
  ca = await authority('our CA');
  other = await authority('another CA');
  first = await ca.issue({ name: 'first', dns: ['localhost'] });
  second = await ca.issue({ name: 'second', dns: ['localhost'] });
  caller = await ca.issue({ name: 'caller' });
  stranger = await other.issue({ name: 'stranger' });
});

interface Own extends Pair {
  readonly ca: string;
}

function identityOf(own: Own) {
  const paths = files({ cert: own.cert, key: own.key, ca: own.ca });
  const identity = createIdentity({ ...paths, reload: { interval: '1h' } }, { logger: silent });
  onTestFinished(() => identity.close());
  const rotate = (next: Partial<Own>) => {
    for (const name of ['cert', 'key', 'ca'] as const) if (next[name]) writeFileSync(paths[name], next[name]);
    expect(identity.refresh()).toBe(true);
  };
  return { identity, rotate };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A server of ours that asks for client certificates and answers with the name in them. */
async function serve(
  own: Own,
  options: tls.TlsOptions = {},
  ready: (identity: Identity, server: tls.Server) => void = () => {},
) {
  const { identity, rotate } = identityOf(own);
  const resumed: boolean[] = [];
  const settings = { ...identity.serverOptions(), requestCert: true, ...options };
  const server = https.createServer(settings, ({ socket }, response) => response.end(shown(socket)));
  server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
  ready(identity, server);
  return { identity, rotate, server, resumed, port: await listening(server) };
}

interface Asked {
  /** Whose certificate the server has shown. */
  readonly server: string;
  /** Whose it has seen. */
  readonly client: string;
  readonly session: Buffer | undefined;
}

/** One request on a connection of its own. Without a name there is no SNI. */
function ask(
  port: number,
  { cert, key }: Pair,
  options: https.RequestOptions & tls.ConnectionOptions = {},
): Promise<Asked | string> {
  const trust = { ca: [ca.cert, other.cert], checkServerIdentity: () => undefined };
  const settings = {
    host: '127.0.0.1',
    port,
    cert,
    key,
    servername: 'localhost',
    agent: false as const,
    ...trust,
    ...options,
  };
  return new Promise((resolve) => {
    let session: Buffer | undefined;
    const request = https.get(settings, (response) => {
      const name = shown(response.socket);
      let client = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        client += text;
      });
      response.on('end', () => resolve({ server: name, client, session }));
    });
    request.on('socket', (socket) =>
      socket.on('session', (made: Buffer) => {
        session = made;
      }),
    );
    request.on('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message));
  });
}

const refused = expect.stringMatching(/^(ECONNRESET|EPIPE|ERR_SSL_.*(ALERT|CA|CERTIFICATE).*|EPROTO)$/);
const names = (server: string, client: string) => expect.objectContaining({ server, client });
const own = (pair: Pair): Own => ({ cert: pair.cert, key: pair.key, ca: ca.cert });
const nameless = { servername: '' };

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a server with serverOptions() over %s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it('shows new connections the new certificate', async () => {
    const { port, rotate } = await serve(own(first), only);
    expect(await ask(port, caller)).toEqual(names('first', 'caller'));
    rotate(second);
    expect(await ask(port, caller)).toEqual(names('second', 'caller'));
    rotate(first);
    expect(await ask(port, caller)).toEqual(names('first', 'caller'));
  });

  it('shows it without SNI only where it is attached', async () => {
    const { port, rotate, identity, server } = await serve(own(first), only);
    rotate(second);
    expect(await ask(port, caller, nameless)).toEqual(names('first', 'caller'));
    expect(identity.attach(server)).toBe(server);
    expect(await ask(port, caller, nameless)).toEqual(names('second', 'caller'));
    rotate(first);
    expect(await ask(port, caller, nameless)).toEqual(names('first', 'caller'));
    expect(await ask(port, caller)).toEqual(names('first', 'caller'));
  });

  it.each([
    ['with SNI', {}, () => {}],
    ['without SNI, attached', nameless, (identity: Identity, server: tls.Server) => identity.attach(server)],
  ] as const)(
    '%s, accepts clients of an authority that was added, and of one removed no more',
    async (_, name, ready) => {
      const { port, rotate } = await serve(own(first), only, ready);
      expect(await ask(port, caller, name)).toEqual(names('first', 'caller'));
      expect(await ask(port, stranger, name)).toEqual(refused);
      rotate({ ca: `${ca.cert}\n${other.cert}` });
      expect(await ask(port, caller, name)).toEqual(names('first', 'caller'));
      expect(await ask(port, stranger, name)).toEqual(names('first', 'stranger'));
      rotate({ ca: other.cert });
      expect(await ask(port, caller, name)).toEqual(refused);
      expect(await ask(port, stranger, name)).toEqual(names('first', 'stranger'));
    },
  );

  it.each([
    ['with SNI', {}, () => {}],
    ['without SNI, attached', nameless, (identity: Identity, server: tls.Server) => identity.attach(server)],
  ] as const)('%s, resumes no session, so that one of a refused client opens nothing', async (_, name, ready) => {
    const { port, rotate, resumed } = await serve(own(first), only, ready);
    const { session } = (await ask(port, caller, name)) as Asked;
    const resuming = { ...name, ...(session && { session }) };
    expect(await ask(port, caller, resuming)).toEqual(names('first', 'caller'));
    rotate({ ...second, ca: other.cert });
    expect(await ask(port, caller, resuming)).toEqual(refused);
    expect(resumed).not.toContain(true);
  });

  it('goes on with the connections there are', async () => {
    const { port, rotate } = await serve(own(first), only);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, checkServerIdentity: () => undefined });
    onTestFinished(() => agent.destroy());
    // Node 22.23 shares no connection between requests that have such a function of their own.
    const kept = { agent, checkServerIdentity: undefined };
    expect(await ask(port, caller, kept)).toEqual(names('first', 'caller'));
    rotate({ ...second, ca: other.cert });
    expect(await ask(port, caller, kept)).toEqual(names('first', 'caller'));
    expect(await ask(port, stranger)).toEqual(names('second', 'stranger'));
  });
});

describe('the comparison', () => {
  it('an ordinary server does resume the session, so the tests above would notice', async () => {
    const resumed: boolean[] = [];
    const settings = { cert: first.cert, key: first.key, ca: ca.cert, requestCert: true };
    const server = https.createServer(settings, ({ socket }, response) => response.end(shown(socket)));
    server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
    const port = await listening(server);
    const { session } = (await ask(port, caller)) as Asked;
    await ask(port, caller, session ? { session } : {});
    expect(resumed).toEqual([false, true]);
  });
});

describe('attach()', () => {
  it('gives a server without serverOptions() the material in force, and each that follows', async () => {
    const { identity, rotate } = identityOf(own(first));
    const server = identity.attach(
      https.createServer({ requestCert: true }, ({ socket }, response) => response.end(shown(socket))),
    );
    const port = await listening(server);
    expect(await ask(port, caller)).toEqual(names('first', 'caller'));
    rotate({ ...second, ca: other.cert });
    expect(await ask(port, stranger)).toEqual(names('second', 'stranger'));
    expect(await ask(port, caller)).toEqual(refused);
  });

  it('ends when the server closes', async () => {
    const { identity, rotate } = identityOf(own(first));
    const server = identity.attach(https.createServer());
    const renew = vi.spyOn(server, 'setSecureContext');
    await listening(server);
    rotate(second);
    expect(renew).toHaveBeenCalledTimes(1);
    server.close();
    await once(server, 'close');
    rotate(first);
    expect(renew).toHaveBeenCalledTimes(1);
  });

  it('works for plain TLS servers as well', async () => {
    const { identity, rotate } = identityOf(own(first));
    const server = identity.attach(tls.createServer((socket) => socket.end('hello')));
    const port = await listening(server);
    const shownTo = async () => {
      const socket = tls.connect({ port, host: '127.0.0.1', ca: ca.cert, checkServerIdentity: () => undefined });
      await once(socket, 'secureConnect');
      const name = shown(socket);
      socket.destroy();
      return name;
    };
    expect(await shownTo()).toBe('first');
    rotate(second);
    expect(await shownTo()).toBe('second');
  });

  it('leaves the versions of TLS that the server speaks as they are without it', async () => {
    const { port } = await serve(own(first), { minVersion: 'TLSv1.3' });
    expect(await ask(port, caller, { maxVersion: 'TLSv1.2' })).toEqual(expect.stringMatching(/^(ERR_SSL_|EPROTO$)/));
  });

  it('leaves the versions of TLS that the server speaks as they are', async () => {
    const attached = (identity: Identity, server: tls.Server) => identity.attach(server);
    const { port } = await serve(own(first), { minVersion: 'TLSv1.3' }, attached);
    expect(await ask(port, caller, { maxVersion: 'TLSv1.2' })).toEqual(expect.stringMatching(/^(ERR_SSL_|EPROTO$)/));
  });

  it('leaves the ciphers of the server as they are', async () => {
    const attached = (identity: Identity, server: tls.Server) => identity.attach(server);
    const only = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' } as const;
    const { port, rotate } = await serve(own(first), only, attached);
    rotate(second);
    const weaker = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const;
    expect(await ask(port, caller, weaker)).toEqual(expect.stringMatching(/^(ERR_SSL_|EPROTO$)/));
    expect(await ask(port, caller, only)).toEqual(names('second', 'caller'));
  });

  it('leaves further OpenSSL options of the server as they are', async () => {
    const attached = (identity: Identity, server: tls.Server) => identity.attach(server);
    const { port } = await serve(own(first), { secureOptions: constants.SSL_OP_NO_TLSv1_2 }, attached);
    expect(await ask(port, caller, { maxVersion: 'TLSv1.2' })).toEqual(expect.stringMatching(/^(ERR_SSL_|EPROTO$)/));
  });

  it('keeps sessions from being resumed beside further OpenSSL options', async () => {
    const attached = (identity: Identity, server: tls.Server) => identity.attach(server);
    const { port, resumed } = await serve(own(first), { secureOptions: constants.SSL_OP_NO_TLSv1_2 }, attached);
    const { session } = (await ask(port, caller, nameless)) as Asked;
    await ask(port, caller, { ...nameless, ...(session && { session }) });
    expect(resumed).toEqual([false, false]);
  });
});

describe('an HTTP/2 server', () => {
  it('shows new sessions the new certificate, and goes on with those there are', async () => {
    const { identity, rotate } = identityOf(own(first));
    const server = http2.createSecureServer({ ...identity.serverOptions(), requestCert: true });
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.end(shown(stream.session?.socket));
    });
    const port = await listening(server);
    const open = async (pair: Pem) => {
      const session = http2.connect(`https://localhost:${port}`, { ca: ca.cert, cert: pair.cert, key: pair.key });
      onTestFinished(() => session.destroy());
      await once(session, 'connect');
      return session;
    };
    const asked = async (session: http2.ClientHttp2Session) => {
      const stream = session.request({ ':path': '/' });
      const chunks: Buffer[] = await stream.toArray();
      return { server: shown(session.socket), client: Buffer.concat(chunks).toString() };
    };
    const before = await open(caller);
    expect(await asked(before)).toEqual({ server: 'first', client: 'caller' });
    rotate({ ...second, ca: `${ca.cert}\n${other.cert}` });
    expect(await asked(before)).toEqual({ server: 'first', client: 'caller' });
    expect(await asked(await open(stranger))).toEqual({ server: 'second', client: 'stranger' });
  });
});
