/** Node's own HTTP/2 server on loopback, a relay in front of it that can freeze, and the configuration of a client for both. */
import http2, { type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import type { HttpClientConfig } from 'pillion';
import { onTestFinished } from 'vitest';
import { authority } from './certificates.js';

export const ca = await authority('the test CA');
export const identity = await ca.issue({ name: 'localhost', dns: ['localhost'] });

/** For a client that speaks HTTP/2, without TLS to an `http://` origin, and trusts `ca`. */
export const overH2 = (origin: string, more: HttpClientConfig = {}): HttpClientConfig => ({
  baseURL: origin,
  allowH2: origin.startsWith('https:') || 'prior-knowledge',
  tls: { ca: ca.cert },
  ...more,
});

export type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, index: number) => void;

export interface H2Server {
  readonly origin: string;
  /** Every connection so far. */
  readonly sessions: readonly ServerHttp2Session[];
  /** The headers of every request so far. */
  readonly requests: readonly IncomingHttpHeaders[];
  /** Streams that ended with a code other than 0, and the most streams that one connection had at once. */
  counts(): { refused: number; most: number };
}

/** HTTP/2 by the TLS handshake, and without TLS. */
export const schemes = ['https', 'http'] as const;

/** The n-th request meets the n-th answer, later ones the last. */
export async function startH2(
  answers: readonly Answer[],
  settings: http2.Settings = {},
  scheme: (typeof schemes)[number] = 'https',
): Promise<H2Server> {
  const sessions: ServerHttp2Session[] = [];
  const requests: IncomingHttpHeaders[] = [];
  let refused = 0;
  let most = 0;
  const { cert, key } = identity;
  const server =
    scheme === 'https' ? http2.createSecureServer({ cert, key, settings }) : http2.createServer({ settings });
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
    let running = 0;
    session.on('stream', (stream) => {
      most = Math.max(most, ++running);
      stream.once('close', () => {
        running--;
        if (stream.rstCode !== 0) refused++;
      });
    });
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const index = requests.push(headers) - 1;
    answers[Math.min(index, answers.length - 1)]?.(stream, headers, index);
  });
  const port = await listening(server, () => {
    for (const session of sessions) session.destroy();
  });
  return { origin: `${scheme}://localhost:${port}`, sessions, requests, counts: () => ({ refused, most }) };
}

/** Carries bytes to `port` and back, until it is frozen: then the connections that there are take and give nothing. */
export async function startRelay(port: number) {
  let frozen: Socket[] = [];
  const sockets: Socket[] = [];
  const server = net.createServer((socket) => {
    const upstream = net.connect(port, 'localhost');
    sockets.push(socket, upstream);
    for (const each of [socket, upstream]) each.on('error', () => {});
    socket.pipe(upstream).pipe(socket);
  });
  const own = await listening(server, () => {
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: own,
    freeze: () => {
      frozen = [...sockets];
      for (const socket of frozen) socket.unpipe().pause();
    },
    /** Destroys the connections that were frozen. */
    thaw: () => {
      for (const socket of frozen) socket.destroy();
    },
  };
}

async function listening(server: Server, end: () => void): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, resolve));
  onTestFinished(() => {
    end();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** What a client's `stats()` say of its connections to an origin; nothing where it has none. */
export function connectionsTo(client: { stats(): { policies: Record<string, unknown> } }, origin: string): unknown {
  return (client.stats().policies.wire as { connections: Record<string, unknown> }).connections[origin];
}
