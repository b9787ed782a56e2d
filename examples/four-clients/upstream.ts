/** The services that the shop calls: each answers one request in ten with a 503, and breaks off one in fifteen. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Upstream {
  readonly origin: string;
  /** Requests so far. */
  requests(): number;
  close(): void;
}

export async function startUpstream(): Promise<Upstream> {
  let number = 0;
  const server = createServer((request, response) => {
    number++;
    request.resume();
    if (number % 10 === 4) response.writeHead(503).end('overloaded');
    else if (number % 15 === 8) request.socket.resetAndDestroy();
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"42"}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => number,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
