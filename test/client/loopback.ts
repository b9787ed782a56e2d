/** A real HTTP server on loopback that remembers what reached it. */
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Loopback {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly requests: http.IncomingMessage[];
  /** Connections open now. */
  readonly sockets: Set<Socket>;
  close(): Promise<void>;
}

export function listen(handler: http.RequestListener): Promise<Loopback> {
  const requests: http.IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = http.createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({ origin: `http://127.0.0.1:${port}`, requests, sockets, close });
    });
  });
}
