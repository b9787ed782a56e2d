/** Detects that the server of a request is closing. */
import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';

/** The part of a server in use; its `close` event is emitted only after the last connection has ended. */
export interface ListeningServer {
  readonly listening?: boolean;
}

/** Servers that were seen listening; one that never listens gets its connections from another, and cannot be watched. */
const listened = new WeakSet<ListeningServer>();

/** The server that a request came to, by its connection; undefined for a request that a test has made up. */
export function listenerOf({ socket }: IncomingMessage): ListeningServer | undefined {
  const { server } = (socket ?? {}) as { server?: ListeningServer };
  if (server?.listening === true) listened.add(server);
  return server;
}

/** True once a server that was listening has stopped. */
export function isClosing(server: ListeningServer | undefined): boolean {
  return server !== undefined && server.listening === false && listened.has(server);
}

/** True for HTTP/2, where a connection carries other requests too and the header `connection` is not allowed. */
export function isHttp2({ httpVersionMajor }: IncomingMessage): boolean {
  return httpVersionMajor >= 2;
}

/** Closes an HTTP/2 connection once its requests are answered; before Node 24, `server.close()` leaves it open. */
export function closeSession(request: IncomingMessage): void {
  (request as { stream?: ServerHttp2Stream }).stream?.session?.close();
}
