/** Failures that a server, a network or a caller makes, by the names they have in the table of docs/axios.md. */
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { Authority } from '../../support/certificates.js';
import { closedPort, startTcp } from '../../support/upstream.js';

/** The ways a call may take. */
export const ways = ['fast lane', 'http lane', 'fast lane over HTTP/2'] as const;
export type Way = (typeof ways)[number];

/** Where a call goes, and what it says beside. */
export interface Aim {
  readonly url: string;
  readonly options?: object;
}

export interface Scene {
  /** All of them where nothing is said. */
  readonly ways?: readonly Way[];
  /** `stream`: only where the body is read as it comes; `buffer`: only where it is not. */
  readonly only?: 'buffer' | 'stream';
  readonly withoutFetch?: boolean;
  readonly aim: (way: Way, ca: Authority) => Promise<Aim>;
}

const h1: readonly Way[] = ['fast lane', 'http lane'];
const h2: readonly Way[] = ['fast lane over HTTP/2'];
const { constants } = http2;

type Script = (socket: Socket) => void;
type StreamScript = (stream: http2.ServerHttp2Stream, socket: Socket) => void;

/** HTTP/1.1 byte by byte, once the request is there. */
async function overH1(script: Script): Promise<Aim> {
  const { port } = await startTcp((socket) => socket.on('error', () => {}).once('data', () => script(socket)));
  return { url: `http://127.0.0.1:${port}/` };
}

/** HTTP/2; the socket is the one below TLS. */
async function overH2(ca: Authority, script: StreamScript): Promise<Aim> {
  const identity = await ca.issue({ name: 'localhost', dns: ['localhost'] });
  const server = http2.createSecureServer({ key: identity.key, cert: identity.cert });
  const sockets: Socket[] = [];
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket.on('error', () => {})));
  server.on('sessionError', () => {});
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream) =>
    script(
      stream.on('error', () => {}),
      sockets.at(-1) as Socket,
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { url: `https://localhost:${(server.address() as { port: number }).port}/` };
}

/** The same fault in each version. */
const either =
  (one: Script, two: StreamScript): Scene['aim'] =>
  (way, ca) =>
    way === 'fast lane over HTTP/2' ? overH2(ca, two) : overH1(one);

const answers = (text: string): Scene => ({ ways: h1, aim: () => overH1((socket) => void socket.end(text)) });
const streams = (script: StreamScript): Scene => ({ ways: h2, aim: (_, ca) => overH2(ca, script) });

const ok = 'HTTP/1.1 200 OK\r\n';
const soon = (work: () => void) => setTimeout(work, 30);

function begun(stream: http2.ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-length': 100 });
  stream.write('ten bytes.');
}

/** A TLS server that takes the handshake as it may, or says something that is no TLS. */
async function overTls(options: tls.TlsOptions, talk: Script, host = 'localhost'): Promise<Aim> {
  const server = tls.createServer(options, talk).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `https://${host}:${(server.address() as { port: number }).port}/` };
}

const quiet: Script = (socket) => void socket.on('error', () => {});

export const scenes: Readonly<Record<string, Scene>> = {
  'Nothing listens on the port': {
    aim: async (way) => ({ url: `${way.endsWith('2') ? 'https' : 'http'}://127.0.0.1:${await closedPort()}/` }),
  },
  'No such host': { aim: async (way) => ({ url: `${way.endsWith('2') ? 'https' : 'http'}://no-such-host.invalid/` }) },
  'No connection, TLS included, within `timeouts.connect`': {
    aim: async () => ({ url: `https://localhost:${(await startTcp(quiet)).port}/` }),
  },
  'A certificate that no trusted authority has signed': {
    aim: async (_, ca) => {
      const { key, cert } = await ca.issue({ name: 'localhost', dns: ['localhost'] });
      return { ...(await overTls({ key, cert }, quiet)), options: { untrusting: true } };
    },
  },
  'A certificate for another host': {
    aim: async (_, ca) => {
      const { key, cert } = await ca.issue({ name: 'elsewhere', dns: ['elsewhere.test'] });
      return overTls({ key, cert }, quiet);
    },
  },
  'The connection is reset before the answer': {
    aim: either(
      (socket) => void socket.resetAndDestroy(),
      (_, socket) => void socket.resetAndDestroy(),
    ),
  },
  'The connection is closed before the answer': {
    aim: either(
      (socket) => void socket.end(),
      (_, socket) => void socket.destroy(),
    ),
  },
  'The connection is closed in the headers': {
    ways: h1,
    aim: () => overH1((socket) => void socket.end(`${ok}content-length: 5\r\nx-a: b`)),
  },
  'The connection is reset in the body': {
    aim: either(
      (socket) =>
        void socket.write(`${ok}content-length: 100\r\n\r\nten bytes.`, () => soon(() => socket.resetAndDestroy())),
      (stream, socket) => {
        begun(stream);
        soon(() => socket.resetAndDestroy());
      },
    ),
  },
  'The connection is closed in a body with a length': {
    aim: either(
      (socket) => void socket.write(`${ok}content-length: 100\r\n\r\nten bytes.`, () => soon(() => socket.end())),
      (stream, socket) => {
        begun(stream);
        soon(() => socket.destroy());
      },
    ),
  },
  'The connection is closed in a chunked body': {
    ways: h1,
    aim: () =>
      overH1(
        (socket) =>
          void socket.write(`${ok}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`, () => soon(() => socket.end())),
      ),
  },
  'The answer is not HTTP/1.1': answers('SSH-2.0-OpenSSH\r\n'),
  'The answer has an invalid HTTP version': answers('HTTP/9.9 200 OK\r\n\r\n'),
  'The answer has an invalid status': answers('HTTP/1.1 abc OK\r\n\r\n'),
  'The answer has a line without CR': answers('HTTP/1.1 200 OK\nx-a: b\n\n'),
  'The answer has a header that cannot be parsed': answers(`${ok}content-length: 2\r\nx a: b\r\n\r\nok`),
  'The answer has an invalid Content-Length': answers(`${ok}content-length: x\r\n\r\n`),
  'The answer has two Content-Lengths': answers(`${ok}content-length: 2\r\ncontent-length: 3\r\n\r\nok.`),
  'The answer has a Content-Length and a Transfer-Encoding': answers(
    `${ok}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  'The answer has more than 16 KiB of headers': answers(`${ok}x-a: ${'a'.repeat(20_000)}\r\ncontent-length: 0\r\n\r\n`),
  'A chunk has an invalid length': {
    ...answers(`${ok}transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n`),
    only: 'buffer',
  },
  'A chunk is longer than its length': {
    ...answers(`${ok}transfer-encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n`),
    only: 'buffer',
  },
  'A malformed chunk, read as a stream': {
    ...answers(`${ok}transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n`),
    only: 'stream',
  },
  'The answer is not HTTP/2': {
    ways: h2,
    aim: async (_, ca) => {
      const { key, cert } = await ca.issue({ name: 'localhost', dns: ['localhost'] });
      return overTls({ key, cert, ALPNProtocols: ['h2'] }, (socket) => {
        socket.on('error', () => {});
        socket.write('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
      });
    },
  },
  "Without TLS, with `allowH2: 'prior-knowledge'`: the server does not speak HTTP/2": {
    ways: h2,
    aim: () => overH1((socket) => socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')),
  },
  'HTTP/2: the server refuses the stream': streams((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)),
  'HTTP/2: the server ends the stream with an error': streams((stream) =>
    stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  ),
  'HTTP/2: the server ends the connection with an error (GOAWAY)': streams((stream, socket) => {
    stream.session?.goaway(constants.NGHTTP2_PROTOCOL_ERROR);
    soon(() => socket.destroy());
  }),
  'A compressed body that ends too early': {
    aim: either(
      (socket) => {
        socket.write(`${ok}content-encoding: gzip\r\ncontent-length: ${half.length}\r\n\r\n`);
        socket.end(half);
      },
      (stream) => {
        stream.respond({ ':status': 200, 'content-encoding': 'gzip' });
        stream.end(half);
      },
    ),
  },
  'A header of the call has an invalid name or value': {
    // The platform's Headers refuses it before fetch is called.
    withoutFetch: true,
    aim: async (way, ca) => ({
      ...(way === 'fast lane over HTTP/2' ? await overH2(ca, () => {}) : { url: 'http://127.0.0.1:1/' }),
      options: { headers: { 'x a': 'b' } },
    }),
  },
};

const half = zlib.gzipSync('hello, hello, hello').subarray(0, 12);
