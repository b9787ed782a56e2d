/** HTTP/2: what one call or one connection ends in is no matter of the others. */
import http2 from 'node:http2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { pseudoHeaders } from '../../../src/transport/pool/h2-headers.js';
import { runChild } from '../../support/child.js';
import { pause, rejection, until, watch } from '../../support/client.js';
import { HEADERS, startFrames } from '../../support/h2-frames.js';
import { ca, connectionsTo, identity, overH2, startH2, startRelay } from '../../support/h2-server.js';
import { startTcp } from '../../support/upstream.js';

const config = (origin: string) => overH2(origin, { retry: false });

/** Answers each request, unless it is told to wait. */
async function start(wait: () => boolean = () => false) {
  const server = await startFrames(
    identity,
    (peer) => peer.allow(1000),
    (peer, { type, id }) => type === HEADERS && !wait() && peer.answer(id),
  );
  return { ...server, client: watch(config(server.origin)).client };
}

describe('A call that HTTP/2 cannot carry', () => {
  it.each([
    ['a header name that is no token', { 'bad name': '1' }],
    ['a header name with a colon', { ':path': '/other' }],
    ['a header of HTTP/1.1', { 'http2-settings': 'x' }],
    ['a header that may stand there once', { 'content-type': ['a/b', 'c/d'] }],
  ])('fails alone, and the connection goes on: %s', async (_, headers) => {
    let holds = false;
    const { client, peers } = await start(() => holds);
    await client.get('/');
    holds = true;
    const other = client.get('/');
    await until(() => peers[0]?.requests.length === 2);
    const error = await rejection(client.get('/', { headers: headers as never }));
    expect(error.code).toBe('ERR_BAD_REQUEST');
    peers[0]?.answer(3);
    expect((await other).data).toBe('ok');
    expect(peers).toHaveLength(1);
  });
});

describe('Headers over HTTP/2', () => {
  it('that have the names of members of an object are sent and received as they were written', async () => {
    const headers = ['Host', 'a.test', 'constructor', 'a', '__proto__', 'b', 'X-Twice', '1', 'x-twice', '2'];
    const options = { path: '/', method: 'GET', headers, body: null };
    const fields = pseudoHeaders({ options } as never, { encrypted: true } as never);
    expect(Object.entries(fields)).toEqual([
      ...[
        [':method', 'GET'],
        [':path', '/'],
        [':authority', 'a.test'],
      ],
      ...[
        ['constructor', 'a'],
        ['__proto__', 'b'],
        ['x-twice', ['1', '2']],
        [':scheme', 'https'],
      ],
    ]);
    const { origin } = await startH2([
      (stream) => {
        stream.respond({ ':status': 200, constructor: 'of the server' });
        stream.end('ok');
      },
    ]);
    const { client } = watch(config(origin));
    const response = await client.get('/');
    expect({ ...response.headers }).toMatchObject({ constructor: 'of the server' });
    expect(Object.keys(response.headers)).not.toContain(':status');
  });
});

describe('A polluted Object.prototype', () => {
  const options = ['waitForTrailers', 'parent', 'exclusive', 'silent'];

  it.each([...options, 'content-length', 'accept', 'te', 'host', ':authority'])(
    'changes nothing of an HTTP/2 request: %s',
    async (name) => {
      const { origin, requests } = await startH2([
        (stream) => {
          stream.respond({ ':status': 200 });
          stream.end('ok');
        },
      ]);
      const { client } = watch(config(origin));
      const post = () => client.post('/', { a: 1 }, { headers: { 'x-request-id': '1' } });
      await post();
      Object.defineProperty(Object.prototype, name, { value: 'polluted', configurable: true, writable: true });
      try {
        expect((await post()).data).toBe('ok');
      } finally {
        Reflect.deleteProperty(Object.prototype, name);
      }
      const [before, after] = requests.map((headers) => ({ ...headers, traceparent: '', 'x-pillion-attempt': '' }));
      expect(after).toEqual(before);
    },
  );
});

describe('An HTTP/2 connection', () => {
  it('that is being made is given up with the last call that waits for it', async () => {
    let closed = false;
    const silent = await startTcp((socket) =>
      socket
        .on('error', () => {})
        .once('close', () => {
          closed = true;
        })
        .resume(),
    );
    const { client } = watch(config(`https://localhost:${silent.port}`));
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [first, second].map(({ signal }) => rejection(client.get('/', { signal })));
    await until(() => silent.connections.length === 1);
    first.abort();
    await pause(30);
    expect(closed).toBe(false);
    second.abort();
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(['ERR_CANCELED', 'ERR_CANCELED']);
    await until(() => closed);
  });

  it('that has no more numbers for streams is followed by another', async () => {
    const { client, peers } = await start();
    const connect = vi.spyOn(http2, 'connect');
    onTestFinished(() => connect.mockRestore());
    await client.get('/');
    const session = connect.mock.results[0]?.value as { setNextStreamID(id: number): void };
    session.setNextStreamID(2 ** 31 - 1);
    const codes = [];
    for (let i = 0; i < 4; i++)
      codes.push(
        await client.get('/').then(
          ({ data }) => data,
          ({ code }) => code,
        ),
      );
    expect(codes).toEqual(['ok', 'ECONNRESET', 'ok', 'ok']);
    expect(peers).toHaveLength(2);
  });

  it('that ends for want of a client certificate says so, to every call that has waited for it', async () => {
    const { origin } = await startFrames(
      { ...identity, ca: ca.cert, requestCert: true, rejectUnauthorized: true },
      (peer) => peer.settings(),
    );
    const { client } = watch(config(origin));
    const errors = await Promise.all(Array.from({ length: 5 }, () => rejection(client.post('/', { a: 1 }))));
    for (const { code } of errors) expect(code).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
  });

  it('that closes for want of use takes no call along', async () => {
    const server = await startFrames(
      identity,
      (peer) => peer.allow(100),
      (peer, { type, id }) => type === HEADERS && peer.answer(id),
    );
    const { client } = watch({ ...config(server.origin), connections: { keepAliveTimeout: 20 } });
    for (let i = 0; i < 40; i++) {
      await pause(18 + (i % 5));
      expect((await client.get('/')).data).toBe('ok');
    }
    expect(server.peers.length).toBeGreaterThan(1);
  });

  it('closes once it has been idle for its time, though that time had passed under its last call before', async () => {
    let closed = false;
    const server = await startFrames(
      identity,
      (peer) => {
        peer.allow(100);
        peer.socket.once('close', () => {
          closed = true;
        });
      },
      (peer, { type, id }) => type === HEADERS && setTimeout(() => peer.answer(id), id === 1 ? 0 : 60),
    );
    const { client } = watch({ ...config(server.origin), connections: { keepAliveTimeout: 30 } });
    await client.get('/');
    expect((await client.get('/')).data).toBe('ok');
    expect(closed).toBe(false);
    await until(() => closed);
    expect(server.peers).toHaveLength(1);
  });

  it('over which HTTP/1.1 comes in place of frames fails its calls at once', async () => {
    const { origin } = await startFrames(identity, (peer) => {
      peer.socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    });
    const { client } = watch(config(origin));
    const error = await rejection(client.post('/', { a: 1 }));
    expect(error.code).toBe('ECONNRESET');
  });

  it('over which garbage comes is replaced, even where its server leaves it open', async () => {
    let garbage = true;
    const server = await startFrames(
      identity,
      (peer) => peer.settings(),
      (peer, { type, id }) => {
        if (type !== HEADERS) return;
        if (garbage) peer.socket.write(Buffer.alloc(64, 0xff));
        else peer.answer(id);
      },
    );
    const { client } = watch(config(server.origin));
    expect((await rejection(client.get('/', { timeout: 100 }))).code).toMatch(/^(ECONNRESET|ECONNABORTED)$/);
    garbage = false;
    await until(() => connectionsTo(client, server.origin) === undefined);
    expect((await client.get('/')).data).toBe('ok');
    expect(server.peers).toHaveLength(2);
  });

  it('whose peer takes no more bytes and answers no PING is replaced, with all that is queued in it', async () => {
    const upstream = await start();
    const { port, freeze } = await startRelay(Number(new URL(upstream.origin).port));
    const origin = `https://localhost:${port}`;
    const { client } = watch({ ...config(origin), circuitBreaker: false });
    await client.get('/');
    freeze();
    const uploads = Array.from({ length: 20 }, () =>
      rejection(client.post('/', Buffer.alloc(4_000_000), { timeout: 100 })),
    );
    for (const error of await Promise.all(uploads)) expect(error.code).toBe('ECONNABORTED');
    await until(() => connectionsTo(client, origin) === undefined);
    expect((await client.get('/')).data).toBe('ok');
  });
});

const bodies = {
  none: 'undefined',
  buffer: 'Buffer.alloc(200_000)',
  stream: 'Readable.from(pieces(), { objectMode: false })',
  'web stream': 'Readable.toWeb(Readable.from(pieces()))',
  form: 'form()',
};

/** Calls that end at any moment, by their signal, their deadline, or with their body destroyed. */
const abortingCalls = `
import http2 from 'node:http2';
import { Readable } from 'node:stream';
import { createHttpClient } from 'pillion';

const server = http2.createSecureServer({ cert, key });
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (Math.random() < 0.2) setTimeout(() => stream.close(Math.floor(Math.random() * 9)), Math.random() * 10);
  if (Math.random() < 0.02) setTimeout(() => stream.session?.destroy(), Math.random() * 10);
  if (Math.random() < 0.5) stream.resume();
  setTimeout(() => {
    if (stream.destroyed || stream.closed) return;
    stream.respond({ ':status': Math.random() < 0.2 ? 413 : 200 });
    stream.end(Buffer.alloc(Math.random() * 200_000));
  }, Math.random() * 10);
});
await new Promise((resolve) => server.listen(0, resolve));
const baseURL = 'https://localhost:' + server.address().port;
const client = createHttpClient({ baseURL, allowH2: true, tls: { ca }, circuitBreaker: false, retry: false });

function* pieces() {
  for (let i = 0; i < 30; i++) yield Buffer.alloc(10_000);
}
function form() {
  const data = new FormData();
  data.append('a', new Blob([Buffer.alloc(100_000)]));
  return data;
}
async function call(body) {
  const controller = new AbortController();
  const after = Math.random() * 25;
  const timer = setTimeout(() => controller.abort(), after);
  try {
    const data = body();
    const method = data === undefined ? 'GET' : 'POST';
    const options = { signal: controller.signal, method, timeout: 15 };
    if (Math.random() < 0.3) {
      const response = await client.fetch('/', { ...options, body: data instanceof Readable ? Readable.toWeb(data) : data, duplex: 'half' });
      await response.arrayBuffer();
    } else if (Math.random() < 0.5) {
      await client.request({ url: '/', data, responseType: 'arraybuffer', ...options });
    } else {
      const { data: answer } = await client.request({ url: '/', data, responseType: 'stream', ...options });
      if (Math.random() < 0.3) answer.destroy();
      else if (Math.random() < 0.5) for await (const _ of answer);
    }
    return 'ok';
  } catch (error) {
    return error.code ?? error.name;
  } finally {
    clearTimeout(timer);
  }
}
const bodies = [BODIES];
let left = 600;
const ends = {};
const caller = async () => {
  while (left-- > 0) {
    const end = await call(bodies[left % bodies.length]);
    ends[end] = (ends[end] ?? 0) + 1;
  }
};
await Promise.all(Array.from({ length: 20 }, caller));
await client.close({ grace: 0 });
report(ends);
process.exit();
`;

describe('A process with HTTP/2 calls that end at any moment', () => {
  it('lives, without an uncaught error or a warning', async () => {
    const given = `const { cert, key, ca } = ${JSON.stringify({ cert: identity.cert, key: identity.key, ca: ca.cert })};`;
    const list = Object.values(bodies).map((body) => `() => ${body}`);
    const { code, stderr, reports } = await runChild(given + abortingCalls.replace('BODIES', list.join()));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(Object.values(reports[0] ?? {}).reduce<number>((sum, count) => sum + Number(count), 0)).toBe(600);
  });
});
