/** Upstreams on loopback that misbehave as they are told; each ends with the test that started it. */
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';

/** A request as it reached the upstream, its body read to the end. */
export interface Received {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** Which of the upstream's connections it came over, from 0. */
  readonly connection: number;
}

export interface Connection {
  readonly socket: Socket;
  /** Bytes received so far; of a TLS connection the encrypted ones. */
  readonly bytesRead: number;
  /** Resolves when the socket is gone, whoever ended it. */
  readonly closed: Promise<void>;
}

export interface Listening {
  readonly port: number;
  /** Every connection accepted so far. */
  readonly connections: readonly Connection[];
  close(): Promise<void>;
}

export interface Upstream extends Listening {
  readonly origin: string;
  /** Every request so far. */
  readonly requests: readonly Received[];
}

/** What is done with one request. */
export type Behaviour = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** The n-th request meets the n-th behaviour, later ones the last. */
export function startHttp(...script: Behaviour[]): Promise<Upstream> {
  return startUpstream(http.createServer({ keepAliveTimeout: 60_000 }), 'http://127.0.0.1', script);
}

/** The same over TLS, for `https://localhost`. */
export function startHttps(tls: TlsOptions, ...script: Behaviour[]): Promise<Upstream> {
  return startUpstream(https.createServer({ keepAliveTimeout: 60_000, ...tls }), 'https://localhost', script);
}

async function startUpstream(server: http.Server, host: string, script: Behaviour[]): Promise<Upstream> {
  const requests: Received[] = [];
  const ports: (number | undefined)[] = [];
  server.on('connection', (socket: Socket) => ports.push(socket.remotePort));
  server.on('request', async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { method = '', url: path = '', headers, socket } = request;
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const behave = script[Math.min(requests.length, script.length - 1)];
      const body = Buffer.concat(chunks).toString();
      requests.push({ method, path, headers, body, connection: ports.indexOf(socket.remotePort) });
      behave?.(request, response);
    });
  });
  const listening = await listen(server);
  return { ...listening, origin: `${host}:${listening.port}`, requests };
}

/** Plain TCP: the n-th connection is handed to the n-th script, later ones to the last. */
export function startTcp(...script: ((socket: Socket) => void)[]): Promise<Listening> {
  let count = 0;
  return listen(net.createServer((socket) => script[Math.min(count++, script.length - 1)]?.(socket)));
}

/** Fails where the socket is still open after a second: something forgot about it. */
export async function closing(connection: Connection | undefined): Promise<void> {
  if (connection === undefined) throw new Error('There is no such connection.');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('The socket is still open.')), 1000);
  });
  await Promise.race([connection.closed, late]).finally(() => clearTimeout(timer));
}

/** How many connections are open now. */
export function openConnections({ connections }: Listening): number {
  return connections.filter(({ socket }) => !socket.closed).length;
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const { port, close } = await startTcp();
  await close();
  return port;
}

async function listen(server: Server): Promise<Listening> {
  const connections: Connection[] = [];
  server.on('connection', (socket) => {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    connections.push({
      socket,
      closed,
      get bytesRead() {
        return socket.bytesRead;
      },
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const { socket } of connections) socket.destroy();
    });
  onTestFinished(close);
  return { port: (server.address() as AddressInfo).port, connections, close };
}
