/** The servers opened with `listen`; they do not keep the process alive. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ErrorCode, PillionError } from '../call/errors.js';
import { authorityOf } from '../options/listening.js';

/** Opens servers for a handler and closes them together. */
export class Servers {
  readonly #open = new Set<Server>();
  #closed = false;

  async open(handler: RequestListener, port: number, host: string): Promise<{ port: number; url: string }> {
    const server = createServer(handler).unref();
    // `unref` of a server does not apply to its connections.
    server.on('connection', (socket) => socket.unref());
    if (!this.#closed)
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(port, host, resolve);
      });
    // `close` may have been called while the host name was resolved.
    if (this.#closed) {
      server.close();
      throw new PillionError(ErrorCode.CLOSED, 'The admin handler was closed.');
    }
    this.#open.add(server);
    const address = server.address() as AddressInfo;
    return { port: address.port, url: `http://${authorityOf(address)}/` };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const closing = [...this.#open].map(
      (server) =>
        new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections();
        }),
    );
    this.#open.clear();
    await Promise.all(closing);
  }
}
