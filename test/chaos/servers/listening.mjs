/** Servers that know their sockets, and that can go away and come back on the same port. */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { serveHttp1 } from './http1.mjs';
import { serveHttp2 } from './http2.mjs';

/** Opens one of each kind: HTTP/1.1 plain and over TLS, HTTP/2, and HTTP/2 of two streams at once; on `ports` where those are given. */
export async function openAll(material, reception, ports = {}) {
  const http1 = { ...material, allowHalfOpen: true, ALPNProtocols: ['http/1.1'] };
  const servers = {
    h1: new Listening((socket) => serveHttp1(socket, reception)),
    tls1: await behind(tls.createServer(http1), serveHttp1, reception),
    h2: await behind(http2.createSecureServer(material), serveHttp2, reception),
    few: await behind(
      http2.createSecureServer({ ...material, settings: { maxConcurrentStreams: 2 } }),
      serveHttp2,
      reception,
    ),
  };
  for (const [name, server] of Object.entries(servers)) await server.listen(ports[name] ?? 0);
  return servers;
}

/**
 * A server of TLS behind a relay of plain TCP: Node breaks its own memory where the socket below TLS or HTTP/2 is reset,
 * so what is reset is the relay's.
 */
async function behind(server, serve, reception) {
  const relayed = new Map();
  server.on('tlsClientError', () => {});
  server.prependListener('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.outside = relayed.get(socket.remotePort);
    server.latest = socket.outside;
    if (serve === serveHttp1) serve(socket, reception);
  });
  if (serve === serveHttp2) serve(server, reception);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return new Listening((outside) => {
    outside.pause();
    const inside = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true }, () => {
      relayed.set(inside.localPort, outside);
      outside.pipe(inside).pipe(outside);
    });
    inside.on('error', () => outside.destroy());
    outside.once('close', () => inside.destroy());
    inside.once('close', () => {
      relayed.delete(inside.localPort);
      outside.end();
    });
  });
}

class Listening {
  port = 0;
  #server;
  #sockets = new Set();

  constructor(serve) {
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#sockets.delete(socket));
      serve(socket);
    });
  }

  async listen(port) {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
  }

  /** Ends every connection and is back after a while. */
  async restart(pause) {
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, pause));
    await this.listen(this.port);
  }
}
