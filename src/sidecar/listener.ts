/** Accepts connections with HTTP/1.1 and HTTP/2 on one port, within limits, and closes them in good order. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { lstatSync, unlinkSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Identity } from '../client/shared-identity.js';
import { authorityOf } from '../options/listening.js';
import { noteOwnProxy } from '../transport/own-proxies.js';
import { type Downstream, Http1Exchange, Http2Exchange, ignore } from './downstream.js';
import { type LocalAnswer, refusal, tunnelRefusal } from './local-answer.js';
import type { ParsedSidecarOptions } from './sidecar-options.js';

/** The first bytes of an HTTP/2 connection (RFC 9113, 3.4), as far as no request of HTTP/1.1 has them. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\n');
/** Requests that a connection may send before the first is answered; hardly any client sends a second. */
const maxPipelined = 100;
const maxHeaders = 1000;

/** Requests are not served in the context in which the listener was made, such as that of a span. */
const outside = AsyncLocalStorage.snapshot();

type Serve = (down: Downstream) => void;
/** Why a tunnel is refused; undefined for one that may be opened. */
type Admit = (request: IncomingMessage) => LocalAnswer | undefined;

/** One listener. */
export class SidecarListener {
  readonly #options: ParsedSidecarOptions;
  readonly #serve: Serve;
  readonly #admit: Admit;
  readonly #server: Server;
  readonly #http2: Http2Server;
  readonly #sockets = new Set<Socket>();
  /** The connections of HTTP/2, with their requests so far and those that are open. */
  readonly #sessions = new Map<ServerHttp2Session, { begun: number; open: number }>();
  /** The latest request of each connection with HTTP/1.1, and how many wait for those before. */
  readonly #latest = new WeakMap<Duplex, { response: ServerResponse; waiting: number }>();
  /** The host and port of each tunnel, by its connection. */
  readonly #tunnels = new WeakMap<Duplex, string>();
  /** Tunnels in which no request has come yet: Node does not take them for idle. */
  readonly #unused = new Set<Duplex>();
  #forget: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: ParsedSidecarOptions, identity: Identity | undefined, serve: Serve, admit: Admit) {
    this.#options = options;
    this.#serve = serve;
    this.#admit = admit;
    this.#server = this.#http1Server(identity);
    this.#http2 = this.#http2Server();
  }

  #http1Server(identity: Identity | undefined): Server {
    const { maxHeaderBytes, headersTimeout, requestTimeout, idleTimeout, maxConnections } = this.#options;
    const options = {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: Math.min(headersTimeout, requestTimeout || headersTimeout),
      requestTimeout,
      keepAliveTimeout: idleTimeout,
      connectionsCheckingInterval: Math.min(5000, headersTimeout),
      // Set here, since Node's command line may allow what smuggles requests.
      insecureHTTPParser: false,
      // Checked with the other headers, where the answer can say why.
      requireHostHeader: false,
    };
    const tls = identity && {
      ...identity.serverOptions(),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2' as const,
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: headersTimeout,
    };
    const server = tls === undefined ? createServer(options) : createHttpsServer({ ...options, ...tls });
    if (tls !== undefined) identity?.attach(server as never);
    // Node drops the headers beyond this number; one more shows that there were too many.
    server.maxHeadersCount = maxHeaders + 1;
    server.maxRequestsPerSocket = this.#options.maxRequestsPerConnection;
    server.maxConnections = maxConnections;
    const opened = tls === undefined ? 'connection' : 'secureConnection';
    const [serveHttp1 = ignore] = server.listeners(opened) as ((socket: Socket) => void)[];
    server.removeAllListeners(opened);
    server.on('connection', (socket) => this.#opened(socket));
    if (tls === undefined) server.on('connection', (socket) => this.#greet(socket, serveHttp1));
    else
      server.on('secureConnection', (socket: TLSSocket) => {
        if (socket.alpnProtocol === 'h2') this.#http2.emit('connection', socket);
        else serveHttp1.call(server, socket);
      });
    server.on('request', (request, response) => this.#request(request, response, false));
    server.on('checkContinue', (request, response) => this.#request(request, response, true));
    // Any other expectation is not ours to meet.
    server.on('checkExpectation', (request, response) => this.#request(request, response, false));
    server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (this.#tunnel(request, socket))
        continueWith(socket as Socket, head, () => serveHttp1.call(server, socket as Socket));
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#unreadable(error, socket));
    return server;
  }

  #http2Server(): Http2Server {
    const { maxHeaderBytes, idleTimeout, maxRequestsPerConnection: max, requestTimeout } = this.#options;
    const server = createHttp2Server({
      settings: { maxConcurrentStreams: 1024, maxHeaderListSize: maxHeaderBytes },
      maxHeaderListPairs: maxHeaders,
    });
    server.on('sessionError', ignore);
    server.on('session', (session) => {
      const counts = { begun: 0, open: 0 };
      this.#sessions.set(session, counts);
      session.once('close', () => this.#sessions.delete(session));
      session.setTimeout(idleTimeout, () => {
        if (counts.open === 0) session.close();
      });
      if (this.#closing !== undefined) session.close();
    });
    const begin = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) => {
      const counts = this.#sessions.get(stream.session as ServerHttp2Session);
      if (counts === undefined) return stream.on('error', ignore).destroy();
      counts.open++;
      if (max > 0 && ++counts.begun >= max) stream.session?.close();
      const late = !stream.endAfterHeaders && requestTimeout > 0;
      const timer = late ? setTimeout(() => stream.close(), requestTimeout).unref() : undefined;
      if (late) stream.once('end', () => clearTimeout(timer));
      stream.once('close', () => {
        counts.open--;
        clearTimeout(timer);
      });
      this.#serve(new Http2Exchange(stream, headers, rawHeaders));
    };
    server.on('stream', begin as never);
    return server;
  }

  /**
   * Listens, and resolves to the URL.
   * @throws Node's error where the port is in use
   */
  async listen(): Promise<string> {
    const { port, host, path, tls, unref } = this.#options;
    if (unref) this.#server.unref();
    await outside(() => this.#listen(path === undefined ? { port, host } : { path }));
    if (path !== undefined) return `unix:${path}`;
    const address = this.#server.address() as AddressInfo;
    const scheme = tls === undefined ? 'http' : 'https';
    this.#forget = addressesOf(address).map((each) => noteOwnProxy(`${scheme}://${each}`));
    return `${scheme}://${authorityOf(address)}`;
  }

  async #listen(where: { port: number; host: string } | { path: string }): Promise<void> {
    const listening = () =>
      new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject).listen(where, () => {
          this.#server.off('error', reject);
          resolve();
        });
      });
    try {
      await listening();
    } catch (error) {
      if (!('path' in where) || !(await isAbandoned(where.path))) throw error;
      unlinkSync(where.path);
      await listening();
    }
  }

  #opened(socket: Socket): void {
    this.#sockets.add(socket);
    if (this.#options.unref) socket.unref();
    socket.on('error', ignore);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#closing !== undefined) socket.destroy();
  }

  /** Looks at the first bytes of a connection, which say the version of HTTP. */
  #greet(socket: Socket, serveHttp1: (socket: Socket) => void): void {
    let first: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => socket.destroy(), this.#options.headersTimeout).unref();
    const decide = (isHttp2: boolean) => {
      leave();
      if (!isHttp2) return continueWith(socket, first, () => serveHttp1.call(this.#server, socket));
      socket.pause();
      socket.unshift(first);
      // Sockets of an HTTP/1.1 server stay half open, and a session would not notice that its client has gone.
      socket.allowHalfOpen = false;
      this.#http2.emit('connection', socket);
    };
    const heard = (bytes: Buffer) => {
      first = first.length === 0 ? bytes : Buffer.concat([first, bytes]);
      const length = Math.min(first.length, preface.length);
      const alike = first.subarray(0, length).equals(preface.subarray(0, length));
      if (!alike || length === preface.length) decide(alike);
    };
    const gone = () => {
      leave();
      socket.destroy();
    };
    const leave = () => {
      clearTimeout(timer);
      socket.off('data', heard).off('end', gone).off('close', gone);
    };
    socket.on('data', heard).on('end', gone).on('close', gone);
  }

  /** One request of a connection after the other: of two, the second may rest on the effects of the first. */
  #request(request: IncomingMessage, response: ServerResponse, waits: boolean): void {
    const { socket } = request;
    const before = this.#latest.get(socket);
    const waiting = before === undefined || before.response.closed ? 0 : before.waiting + 1;
    if (waiting > maxPipelined) {
      socket.destroy();
      return;
    }
    this.#latest.set(socket, { response, waiting });
    const tunnel = this.#tunnels.get(socket);
    if (tunnel !== undefined) this.#unused.delete(socket);
    response.once('close', () => {
      // An answer whose headers were sent before the closing has left its connection open.
      if (this.#closing !== undefined) socket.destroySoon();
    });
    const serve = () => {
      if (socket.writable)
        this.#serve(new Http1Exchange(request, response, waits, () => this.#closing !== undefined, tunnel));
    };
    if (waiting === 0) serve();
    else before?.response.once('close', serve);
  }

  /** Opens a tunnel for requests without TLS: some clients ask for one where an absolute URL would do (undici 7). */
  #tunnel(request: IncomingMessage, socket: Duplex): boolean {
    const before = this.#latest.get(socket)?.response;
    if (this.#closing !== undefined || (before !== undefined && !before.closed)) {
      socket.destroy();
      return false;
    }
    const refused = this.#tunnels.has(socket) ? tunnelRefusal : this.#admit(request);
    if (refused !== undefined) {
      endRaw(socket, refused);
      return false;
    }
    this.#tunnels.set(socket, request.url ?? '');
    this.#unused.add(socket);
    socket.on('error', ignore);
    socket.once('close', () => this.#unused.delete(socket));
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    return true;
  }

  /** Answers what Node's parser has refused, or what has not come in time. */
  #unreadable({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
    const begun = this.#latest.get(socket)?.response;
    const isHttp = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (!isHttp || !socket.writable || (begun?.headersSent && !begun.closed)) {
      socket.destroy();
      return;
    }
    const status = parserStatus[code] ?? 400;
    const text = status === 408 ? 'The request did not arrive in time.' : unreadable;
    endRaw(socket, refusal(status, code, text));
  }

  /** Refuses new connections, lets requests finish for `grace` milliseconds, then destroys what is left. */
  close(grace: number): Promise<void> {
    this.#closing ??= this.#drain(grace);
    return this.#closing;
  }

  async #drain(grace: number): Promise<void> {
    for (const forget of this.#forget) forget();
    const timer = setTimeout(() => this.#destroy(), grace);
    const ended = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions.keys()) session.close();
    // Connections that have sent nothing yet are of no protocol, and Node knows nothing of them.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
    for (const socket of this.#unused) socket.destroy();
    await ended;
    clearTimeout(timer);
    this.#http2.close();
  }

  #destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Has a connection served, beginning with bytes that were read from it before. */
function continueWith(socket: Socket, first: Buffer, serve: () => void): void {
  socket.pause();
  socket.unshift(first);
  serve();
  socket.resume();
}

const parserStatus: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const unreadable = 'The request is not valid HTTP, or larger than the listener allows.';

/** Answers where there is no response of Node's, and closes the connection. */
function endRaw(socket: Duplex, { status, code, text }: LocalAnswer): void {
  const headers = [
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(text) + 1}`,
    `x-pillion-error: ${code}`,
    'connection: close',
  ];
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers].join('\r\n');
  socket.end(`${head}\r\n\r\n${text}\n`, () => socket.destroy());
}

/** The addresses by which this machine reaches the listener. */
function addressesOf(address: AddressInfo): string[] {
  if (!/^(0\.0\.0\.0|::)$/.test(address.address)) return [authorityOf(address)];
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.map((each) => authorityOf({ ...each, port: address.port }));
}

/** True for a unix socket on which nobody listens, as a process leaves it that was killed. */
async function isAbandoned(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}
