/** One handler for HTTP, HTTPS and HTTP/2: every case brings its own answers. */
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Identity } from '../support/certificates.js';
import type { Scheme } from './case.js';

/** What is done with a request whose body is yet to come. */
export type Ask = (request: http.IncomingMessage, response: http.ServerResponse) => void;
/** What is done with a request that is there as a whole. */
export type Answer = (request: http.IncomingMessage, response: http.ServerResponse, body: Buffer) => void;

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
}

/** Sends the same answer to everybody. */
export const sends =
  ({ status = 200, headers = {}, body = '' }: Reply): Answer =>
  (_, response) => {
    const length = status === 204 || status === 304 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    response.writeHead(status, { ...length, ...headers }).end(body);
  };

export const redirects = (status: number, location: string, headers: Reply['headers'] = {}): Answer =>
  sends({ status, headers: { location, ...headers } });

/** Reads the request and never answers. */
export const hangs: Ask = (request) => {
  request.on('error', () => {}).resume();
};

const echo: Answer = (request, response, body) => {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(':')));
  const { method, url, socket } = request;
  response.setHeader('content-type', 'application/json');
  const told = { method, url, headers, connection: socket.remotePort };
  response.end(JSON.stringify({ ...told, body: body.toString(), base64: body.toString('base64') }));
};

/** What cases have asked to be served, at every server of the file. */
export class Routes {
  readonly #asks = new Map<string, Ask>([['/echo', whole(echo)]]);
  #count = 0;

  add(ask: Ask): string {
    const path = `/case-${++this.#count}`;
    this.#asks.set(path, ask);
    return path;
  }

  readonly handle: Ask = (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const ask = this.#asks.get(path) ?? whole(echo);
    response.on('error', () => {});
    ask(request, response);
  };
}

export function whole(answer: Answer): Ask {
  return (request, response) => {
    // A request that breaks off gets no answer.
    buffer(request).then(
      (body) => answer(request, response, body),
      () => {},
    );
  };
}

export interface Serving {
  readonly origin: string;
  close(): Promise<void>;
}

export async function listen(scheme: Scheme, identity: Identity, handle: Ask): Promise<Serving> {
  const server = serverOf(scheme, identity, handle);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { origin: scheme === 'http' ? `http://127.0.0.1:${port}` : `https://localhost:${port}`, close };
}

function serverOf(scheme: Scheme, { cert, key }: Identity, handle: Ask): Server {
  const options = { keepAliveTimeout: 60_000, maxHeaderSize: 64 * 1024 };
  if (scheme === 'http') return http.createServer(options, handle);
  if (scheme === 'https') return https.createServer({ ...options, cert, key }, handle);
  return http2.createSecureServer({ cert, key }, handle as never);
}
