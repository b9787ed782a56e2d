/** One HTTP/2 connection: many requests at once over Node's own http2; those in flight survive a GOAWAY. */
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type ClientSessionRequestOptions } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ErrorCode } from '../../call/errors.js';
import { markUnsent } from '../../call/failure.js';
import { Queue } from '../../call/queue.js';
import { plainHost } from '../../call/url.js';
import { type Connect, settled } from './connect.js';
import type { Carrier, CarrierOptions, ConnectionEvents, ConnectionState, Job } from './connection.js';
import { H2Exchange, type H2ExchangeEvents, reset } from './h2-exchange.js';
import { pseudoHeaders, uncarried } from './h2-headers.js';
import { H2Window, wideWindow } from './h2-window.js';

const settings = { enablePush: false, initialWindowSize: wideWindow };

/**
 * All options of a request. Node would read the first two from a polluted `Object.prototype`, and adds to its copy each of the
 * next ones that is missing, which took 9 of 75 us of a request. `weight` is one of them in Node 20, and deprecated since.
 */
const withoutBody: ClientSessionRequestOptions = {
  ...{ signal: undefined as never, waitForTrailers: false },
  ...{ parent: 0, exclusive: false, silent: false },
  ...(process.versions.node.startsWith('20.') ? { weight: 16 } : {}),
  endStream: true,
};
const withBody: ClientSessionRequestOptions = { ...withoutBody, endStream: false };

/** Milliseconds that a server may take to answer a PING before the connection counts as dead. */
const pingTimeout = 2000;

export interface H2Events extends ConnectionEvents {
  /** The server speaks only HTTP/1.1: this is its socket, and the request that waits for it. */
  downgraded(connection: H2Connection, socket: TLSSocket, job: Job | undefined): void;
  /** The server cannot be reached: requests that wait for this connection fail too, without trying in turn. */
  unreachable(connection: H2Connection, error: Error): void;
}

export class H2Connection implements Carrier, H2ExchangeEvents {
  readonly retiresAt: number;
  #connected = false;
  listed = false;
  finishing = false;
  /** A request that is given up leaves its place at once. */
  readonly closing = false;
  used = false;
  /**
   * Streams that the server takes at once. Until its SETTINGS arrive, over TLS one request goes ahead and the others
   * wait; without TLS all wait.
   */
  #limit = 1;
  /** True once it takes requests; a server may announce that it takes none for a while. */
  ready = false;
  readonly #pool: H2Events;
  readonly #options: CarrierOptions;
  /** Requests that it has taken. */
  #sent = 0;
  readonly #socket: Socket;
  #session: ClientHttp2Session | undefined;
  #window: H2Window | undefined;
  /**
   * False for a connection without TLS until the server's SETTINGS have shown that it speaks HTTP/2. Nothing is sent
   * before, so a request that meets another kind of server was provably not sent.
   */
  #confirmed = true;
  #error: Error | undefined;
  /** The request that it was opened for. */
  #first: Job | undefined;
  readonly #streams = new Queue<H2Exchange>();
  #idleTimer: NodeJS.Timeout | undefined;
  #pinging = false;
  #draining = false;
  #closing: Promise<void> | undefined;
  /** Resolves the promise of `close`. */
  #closed: (() => void) | undefined;

  constructor(origin: URL, connect: Connect, options: CarrierOptions, retiresAt: number, pool: H2Events) {
    this.retiresAt = retiresAt;
    this.#options = options;
    this.#pool = pool;
    const { host, protocol, port } = origin;
    this.#socket = connect({ host, hostname: plainHost(origin), protocol, port } as never, (error, socket) => {
      if (error !== null) this.#failed(error);
      else this.#connectedBy(socket as TLSSocket, origin);
    });
  }

  get httpVersion(): '2.0' {
    return '2.0';
  }

  get running(): number {
    return this.#streams.size + (this.#first === undefined ? 0 : 1);
  }

  send(job: Job): void {
    job.connection = this;
    if (this.#session === undefined || !this.#connected) {
      this.#first = job;
      return;
    }
    this.#open(this.#session, job);
    this.used = true;
    if (this.#streams.size === 0) this.#closeWhenUnused();
  }

  get spent(): boolean {
    return this.#sent === this.#options.maxRequestsPerConnection;
  }

  get hasRoom(): boolean {
    // The session reports its end only once its socket is closed.
    return (
      this.#connected &&
      !this.#draining &&
      !this.#session?.closed &&
      !this.#session?.destroyed &&
      this.#streams.size < this.#limit
    );
  }

  /** Goes on dialing, as other requests may wait for this connection, unless it is to take none. */
  stopDialing(): void {
    this.#first = undefined;
    if (this.#draining) this.#pool.closed(this);
  }

  get state(): ConnectionState {
    if (this.#draining) return this.running > 0 ? 'draining' : 'closed';
    if (!this.#connected) return 'dialing';
    return this.#streams.size > 0 ? 'busy' : 'idle';
  }

  close(): Promise<void> {
    this.#drain();
    if (this.running === 0) return this.destroy();
    this.#closing ??= new Promise((resolve) => {
      this.#closed = resolve;
    });
    return this.#closing;
  }

  /** Its socket has become another connection's; `close` resolves when that one has ended. */
  followedBy(end: Promise<unknown>): void {
    void end.then(() => this.#closed?.());
  }

  async destroy(reason = clientClosed()): Promise<void> {
    this.#drain();
    const waiting = this.#first;
    this.#first = undefined;
    waiting?.onResponseError?.(undefined as never, reason);
    for (const stream of this.#streams.items()) stream.abort(reason);
    // Not while the session is in the midst of what it receives: see H2Exchange.
    if (this.#session !== undefined) await new Promise((resolve) => setImmediate(resolve));
    this.#session?.destroy();
    this.#socket.destroy();
    this.#closed?.();
  }

  #connectedBy(socket: TLSSocket, origin: URL): void {
    if (origin.protocol === 'http:') {
      this.#confirmed = false;
      this.#session = this.#sessionOver(socket, origin);
      return;
    }
    if (socket.alpnProtocol !== 'h2') {
      const job = this.#first;
      this.#first = undefined;
      this.#pool.downgraded(this, socket, job);
      return;
    }
    this.#session = this.#sessionOver(socket, origin);
    this.#begin();
  }

  #begin(): void {
    const job = this.#first;
    this.#first = undefined;
    this.#connected = true;
    // Requests in flight keep the process alive, an idle connection does not.
    this.#session?.unref();
    if (job !== undefined && !job.over) this.send(job);
    else if (this.#draining) this.#pool.closed(this);
    else this.#closeWhenUnused();
  }

  #sessionOver(socket: TLSSocket, origin: URL): ClientHttp2Session {
    const session = http2.connect(origin, { createConnection: () => socket, settings });
    this.#window = new H2Window(session);
    // The streams receive the errors as well; without a listener here they would end the process.
    session.on('error', (error) => {
      this.#error = error;
    });
    session.on('remoteSettings', (settings) => this.#heed(settings));
    session.on('goaway', (_, lastStream) => {
      for (const stream of this.#streams.items()) stream.leftBehind(lastStream);
      this.#drains();
    });
    session.on('close', () => this.#lost());
    return session;
  }

  /** A server may raise or lower its limit at any time. */
  #heed({ maxConcurrentStreams = Number.POSITIVE_INFINITY }: http2.Settings): void {
    this.#limit = Math.min(maxConcurrentStreams, this.#options.maxConcurrentStreams ?? Number.POSITIVE_INFINITY);
    this.ready = maxConcurrentStreams > 0;
    if (!this.#confirmed) {
      this.#socket.emit(settled);
      if (!this.ready) return;
      this.#confirmed = true;
      this.#begin();
    }
    if (!this.#draining) this.#pool.changed(this);
  }

  #lost(): void {
    if (this.#confirmed || (this.#draining && this.#first === undefined)) this.#drains();
    else this.#failed(markUnsent(unspoken(this.#error)));
  }

  /** Takes no further request; Node lets those in flight finish where the server does. */
  #drains(): void {
    this.#drain();
    this.#connected = false;
    this.#pool.drains(this);
  }

  #drain(): void {
    this.#draining = true;
    clearTimeout(this.#idleTimer);
  }

  #failed(error: Error): void {
    const job = this.#first;
    this.#first = undefined;
    this.#drain();
    job?.onResponseError?.(undefined as never, error);
    this.#pool.unreachable(this, error);
  }

  #open(session: ClientHttp2Session, job: Job): void {
    if (job.over) return;
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(pseudoHeaders(job, session), job.options.body === null ? withoutBody : withBody);
    } catch (cause) {
      job.onResponseError?.(undefined as never, uncarried(cause as Error));
      return;
    }
    if (this.#streams.size === 0) session.ref();
    const exchange = new H2Exchange(stream, job, this);
    exchange.place = this.#streams.add(exchange);
    exchange.begin();
    this.#sent++;
    // Without an id: the connection has used up its stream ids.
    if (stream.id === undefined || this.spent) this.#drains();
  }

  ended(exchange: H2Exchange): void {
    this.#streams.remove(exchange.place);
    const unused = this.#streams.size === 0;
    if (unused) this.#session?.unref();
    if (this.#draining) {
      if (unused) this.#pool.closed(this);
      return;
    }
    if (unused) this.#closeWhenUnused();
    this.#pool.changed(this);
  }

  waits(bytes: number): void {
    this.#window?.waits(bytes);
  }

  /**
   * Sends a PING after a call was aborted before its answer was complete. Over HTTP/2 such a call closes no socket: if
   * the connection were dead, every further call would wait in vain, until TCP gives up.
   */
  gaveUp(): void {
    const session = this.#session;
    if (this.#pinging || this.#draining || session === undefined || session.destroyed || session.closed) return;
    this.#pinging = true;
    // Input that arrived while this process was blocked is read before the connection counts as dead.
    const timer = setTimeout(() => setImmediate(() => this.#pinging && this.#die()), pingTimeout).unref();
    session.ping(() => {
      clearTimeout(timer);
      this.#pinging = false;
    });
  }

  #die(): void {
    void this.destroy(reset(`The server has not answered a PING within ${pingTimeout} ms.`));
    this.#drains();
  }

  /** Keeps one timer and puts it off: where one call follows another, a new one for each took a seventh of its CPU. */
  #closeWhenUnused(): void {
    if (this.#draining) return;
    this.#idleTimer ??= setTimeout(
      () => this.#streams.size === 0 && this.#drains(),
      this.#options.keepAliveTimeout,
    ).unref();
    this.#idleTimer.refresh();
  }
}

/** The error that undici raises for its own connections. */
function clientClosed(): Error {
  return Object.assign(new Error('The client was closed.'), { code: 'UND_ERR_DESTROYED' });
}

/** The error for a connection without TLS that ended before the server had sent its SETTINGS. */
function unspoken(cause: NodeJS.ErrnoException | undefined): Error {
  if (cause !== undefined && !cause.code?.startsWith('ERR_HTTP2_')) return cause;
  if (cause === undefined) return reset('The server closed the connection before it sent its HTTP/2 SETTINGS.');
  const message = "The server does not speak HTTP/2, which allowH2: 'prior-knowledge' expects of each http:// URL.";
  return Object.assign(new Error(message, { cause }), { code: ErrorCode.HTTP2_UNSUPPORTED });
}
