/** One HTTP/2 connection: many requests at once over Node's own http2, which a GOAWAY ends without harm to those in flight. */
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { plainHost } from '../../call/url.js';
import type { Connect } from './connect.js';
import type { Carrier, ConnectionEvents, Job } from './connection.js';
import { H2Exchange, type H2ExchangeEvents, reset } from './h2-exchange.js';
import { pseudoHeaders, uncarried } from './h2-headers.js';

/** Milliseconds that a server may take to answer a PING before the connection is given up for dead. */
const pingTimeout = 2000;

export interface H2Events extends ConnectionEvents {
  /** The server speaks HTTP/1.1 only: this is its socket, and the request that waits for it. */
  downgraded(connection: H2Connection, socket: TLSSocket, job: Job | undefined): void;
  /** The server cannot be reached: those who wait for this connection need not try in turn. */
  unreachable(connection: H2Connection, error: Error): void;
}

export class H2Connection implements Carrier, H2ExchangeEvents {
  readonly retiresAt: number;
  connected = false;
  idle = false;
  finishing = false;
  used = false;
  /** Streams that the server takes at once. Until its SETTINGS say so, one request goes ahead and the others wait. */
  #limit = 1;
  /** It takes requests; a server may say that it takes none for a while. */
  ready = false;
  readonly #pool: H2Events;
  readonly #keepAliveTimeout: number;
  readonly #socket: { destroy(error?: Error): unknown };
  #session: ClientHttp2Session | undefined;
  /** The request it is made for. */
  #first: Job | undefined;
  readonly #streams = new Set<H2Exchange>();
  #idleTimer: NodeJS.Timeout | undefined;
  #pinging = false;
  #leaving = false;
  #closing: Promise<void> | undefined;
  /** Tells who waits for its end. */
  #closed: (() => void) | undefined;

  constructor(origin: URL, connect: Connect, keepAliveTimeout: number, retiresAt: number, pool: H2Events) {
    this.retiresAt = retiresAt;
    this.#keepAliveTimeout = keepAliveTimeout;
    this.#pool = pool;
    const { host, protocol, port } = origin;
    this.#socket = connect({ host, hostname: plainHost(origin), protocol, port } as never, (error, socket) => {
      if (error !== null) this.#failed(error);
      else this.#connectedBy(socket as TLSSocket, origin);
    });
  }

  get running(): number {
    return this.#streams.size + (this.#first === undefined ? 0 : 1);
  }

  send(job: Job): void {
    job.connection = this;
    if (this.#session === undefined) {
      this.#first = job;
      return;
    }
    clearTimeout(this.#idleTimer);
    this.#open(this.#session, job);
    this.used = true;
    if (this.#streams.size === 0) this.#closeWhenUnused();
  }

  get hasRoom(): boolean {
    // Of its end the session tells only once its socket is closed.
    return (
      this.connected &&
      !this.#leaving &&
      !this.#session?.closed &&
      !this.#session?.destroyed &&
      this.#streams.size < this.#limit
    );
  }

  /** Others may wait for it. */
  abandon(): void {
    this.#first = undefined;
  }

  get closing(): boolean {
    return this.#leaving;
  }

  close(): Promise<void> {
    this.#leave();
    if (this.running === 0) return this.destroy();
    this.#closing ??= new Promise((resolve) => {
      this.#closed = resolve;
    });
    return this.#closing;
  }

  /** Its socket serves another connection now, whose end is its own. */
  followedBy(end: Promise<unknown>): void {
    void end.then(() => this.#closed?.());
  }

  async destroy(reason = clientClosed()): Promise<void> {
    this.#leave();
    const waiting = this.#first;
    this.#first = undefined;
    waiting?.onResponseError?.(undefined as never, reason);
    for (const stream of this.#streams) stream.abort(reason);
    this.#session?.destroy();
    this.#socket.destroy();
    this.#closed?.();
  }

  #connectedBy(socket: TLSSocket, origin: URL): void {
    const job = this.#first;
    this.#first = undefined;
    if (socket.alpnProtocol !== 'h2') {
      this.#pool.downgraded(this, socket, job);
      return;
    }
    this.connected = true;
    this.#session = this.#sessionOver(socket, origin);
    if (job !== undefined && !job.over) this.send(job);
    else this.#closeWhenUnused();
  }

  #sessionOver(socket: TLSSocket, origin: URL): ClientHttp2Session {
    const session = http2.connect(origin, { createConnection: () => socket, settings: { enablePush: false } });
    // Requests in flight hold the process, an idle connection does not.
    session.unref();
    // Errors come to the streams as well; without a listener they would end the process.
    session.on('error', () => {});
    session.on('remoteSettings', (settings) => this.#heed(settings));
    session.on('goaway', (_, lastStream) => {
      for (const stream of this.#streams) stream.leftBehind(lastStream);
      this.#gone();
    });
    session.on('close', () => this.#gone());
    return session;
  }

  /** A server may say more, or less, at any time. */
  #heed({ maxConcurrentStreams = Number.POSITIVE_INFINITY }: http2.Settings): void {
    this.#limit = maxConcurrentStreams;
    this.ready = maxConcurrentStreams > 0;
    if (!this.#leaving) this.#pool.free(this);
  }

  /** Takes no further request; Node lets those in flight finish where the server does. */
  #gone(): void {
    this.#leave();
    this.connected = false;
    this.#pool.left(this);
  }

  #leave(): void {
    this.#leaving = true;
    clearTimeout(this.#idleTimer);
  }

  #failed(error: Error): void {
    const job = this.#first;
    this.#first = undefined;
    this.#leave();
    job?.onResponseError?.(undefined as never, error);
    this.#pool.unreachable(this, error);
  }

  #open(session: ClientHttp2Session, job: Job): void {
    if (job.over) return;
    let stream: ClientHttp2Stream;
    try {
      // Node reads a polluted Object.prototype.
      const own = { signal: undefined as never, waitForTrailers: false };
      stream = session.request(pseudoHeaders(job, session), { ...own, endStream: job.options.body === null });
    } catch (cause) {
      job.onResponseError?.(undefined as never, uncarried(cause as Error));
      return;
    }
    if (this.#streams.size === 0) session.ref();
    const exchange = new H2Exchange(stream, job, this);
    this.#streams.add(exchange);
    exchange.begin();
    // The numbers of streams are used up.
    if (stream.id === undefined) this.#gone();
  }

  ended(exchange: H2Exchange): void {
    this.#streams.delete(exchange);
    const unused = this.#streams.size === 0;
    if (unused) this.#session?.unref();
    if (this.#leaving) {
      if (unused) this.#pool.lost(this);
      return;
    }
    if (unused) this.#closeWhenUnused();
    this.#pool.free(this);
  }

  /**
   * A call given up before its answer is whole takes no socket along here: were the connection dead, every further call would wait
   * in vain, for as long as TCP hopes.
   */
  gaveUp(): void {
    const session = this.#session;
    if (this.#pinging || this.#leaving || session === undefined || session.destroyed || session.closed) return;
    this.#pinging = true;
    // What came while this process stood still is read before the connection is given up.
    const timer = setTimeout(() => setImmediate(() => this.#pinging && this.#die()), pingTimeout).unref();
    session.ping(() => {
      clearTimeout(timer);
      this.#pinging = false;
    });
  }

  #die(): void {
    void this.destroy(reset(`The server has not answered a PING within ${pingTimeout} ms.`));
    this.#gone();
  }

  #closeWhenUnused(): void {
    clearTimeout(this.#idleTimer);
    if (!this.#leaving) this.#idleTimer = setTimeout(() => this.#gone(), this.#keepAliveTimeout).unref();
  }
}

/** In undici's words, as for its own connections. */
function clientClosed(): Error {
  return Object.assign(new Error('The client was closed.'), { code: 'UND_ERR_DESTROYED' });
}
