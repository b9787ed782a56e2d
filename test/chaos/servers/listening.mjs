/** Servers that know their sockets, and that can go away and come back on the same port. */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { serveHttp1 } from './http1.mjs';
import { serveHttp2 } from './http2.mjs';

/** Opens one of each kind: HTTP/1.1 plain and over TLS, HTTP/2, and HTTP/2 of two streams at once. */
export async function openAll(material, reception) {
  const serve = (socket) => serveHttp1(socket, reception);
  const secure = { ...material, allowHalfOpen: true, ALPNProtocols: ['http/1.1'] };
  const servers = {
    h1: new Listening(net.createServer({ allowHalfOpen: true }, serve)),
    tls1: new Listening(tls.createServer(secure, serve)),
    h2: new Listening(http2.createSecureServer(material)),
    few: new Listening(http2.createSecureServer({ ...material, settings: { maxConcurrentStreams: 2 } })),
  };
  serveHttp2(servers.h2, reception);
  serveHttp2(servers.few, reception);
  for (const server of Object.values(servers)) await server.listen(0);
  return servers;
}

class Listening {
  server;
  port = 0;
  /** The connection that was secured last: the one that a new HTTP/2 session is for. */
  latest = {};
  #sockets = new Set();

  constructor(server) {
    this.server = server;
    server.on('connection', (raw) => {
      this.#sockets.add(raw);
      raw.on('error', () => {});
      raw.once('close', () => this.#sockets.delete(raw));
    });
    // Before the listener that makes a session of it.
    server.prependListener('secureConnection', (socket) => {
      socket.on('error', () => {});
      socket.raw = [...this.#sockets].find((raw) => raw.remotePort === socket.remotePort);
      this.latest = { secured: socket, raw: socket.raw };
    });
    server.on('tlsClientError', () => {});
  }

  get open() {
    return this.#sockets.size;
  }

  async listen(port) {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
  }

  /** Ends every connection and is back after a while. */
  async restart(pause) {
    this.server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, pause));
    await this.listen(this.port);
  }
}
