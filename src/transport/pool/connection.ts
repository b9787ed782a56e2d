/** One HTTP/1.1 connection: an undici client that carries one request at a time. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Client, Dispatcher } from 'undici';
import { undiciClient } from '../../call/on-demand.cjs';
import { Own } from '../../call/own.js';
import type { QueuePlace } from '../../call/queue.js';
import { plainHost } from '../../call/url.js';
import { type Connect, reclaimed } from './connect.js';
import { parserOf } from './parser.js';

/** The options of one dispatch to undici, which would find further options on a polluted `Object.prototype`. */
export class Dispatch extends Own implements Dispatcher.DispatchOptions {
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: string[];
  readonly body: Buffer | string | Readable | null;
  /** Without it undici would close the connection after a HEAD, or a GET with a body. */
  readonly reset = false;
  /**
   * undici opens another connection where this differs from that of the request before, and otherwise takes the name in
   * the Host header. The name in the TLS handshake is the connector's.
   */
  readonly servername = 'origin';

  constructor(path: string, method: string, headers: string[], body: Buffer | string | Readable | null) {
    super();
    this.path = path;
    this.method = method as Dispatcher.HttpMethod;
    this.headers = headers;
    this.body = body;
  }
}

/** A request as a connection takes it. */
export interface Job extends Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions;
  /** The connection that carries it; undefined while it waits, also while one is dialed for it. */
  connection: Carrier | undefined;
  /** The connection over HTTP/1.1 that is dialed for it. */
  dial: Connection | undefined;
  /** Its place among the requests of a pool that wait, or that a connection is dialed for; undefined before it has waited. */
  place: QueuePlace<Job> | undefined;
  /** True once it no longer needs a connection. */
  readonly over: boolean;
  /** Called for each informational answer over HTTP/2; undefined where nobody asks for them. */
  readonly informed?: ((headers: Record<string, unknown>) => void) | undefined;
  /** Called when the server has ended the connection: nothing is held back for a slow reader any more. */
  ended?(): void;
  /** Called when the connection broke: an answer that ends now is not complete, whatever the parser reports. */
  cut?(error: Error): void;
}

/** Throws where a header cannot be sent: undici finds that out only once there is a connection. */
export function checkHeaders({ options }: Job): void {
  const headers = options.headers as string[];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    validateHeaderName(name);
    validateHeaderValue(name, headers[index + 1] as string);
  }
}

/**
 * The states of a connection, in HTTP/1.1 and HTTP/2 alike. `dialing`: its socket is not ready yet. `idle`: it carries
 * nothing. `busy`: it carries requests; over HTTP/2 it may have room for more. `draining`: it takes no further request, and
 * closes once those in flight have ended. `closed`: it has lost its socket.
 */
export type ConnectionState = 'dialing' | 'idle' | 'busy' | 'draining' | 'closed';

/** A connection, as the pool sees it. */
export interface Carrier {
  /** As Node's answers have it. */
  readonly httpVersion: '1.1' | '2.0';
  /** The value of `performance.now()` after which it takes no further request. */
  retiresAt: number;
  readonly state: ConnectionState;
  /** Requests in flight on it. */
  readonly running: number;
  /** True where it has carried a request before the present one. */
  readonly used: boolean;
  /** True where it can take a request now. */
  readonly hasRoom: boolean;
  /** True where it has taken as many requests as it may in its life. */
  readonly spent: boolean;
  /** True while it is in the pool's list of connections that can take a request. */
  listed: boolean;
  /** True where its answer is complete, and its socket becomes free in this turn of the event loop. */
  finishing: boolean;
  /** True where its request was given up, and its socket is closed in this turn of the event loop. */
  readonly closing: boolean;
  send(job: Job): void;
  /**
   * Called when the answer that comes in has no body, whatever its content-length: by its status, or since it answers a
   * HEAD.
   */
  expectNoBody?(toHead: boolean): void;
  /**
   * Called when the request that it was opened for was aborted; ends a connection over HTTP/1.1 that is still dialing.
   */
  stopDialing(reason: Error): void;
  /** Drains: closes once its requests in flight have ended. */
  close(): Promise<void>;
  /** Ends its requests in flight, with `reason` where one is given. */
  destroy(reason?: Error): Promise<void>;
}

/** The options of a pool that each of its connections keeps to. */
export interface CarrierOptions {
  readonly keepAliveTimeout: number;
  readonly maxRequestsPerConnection?: number | undefined;
  readonly maxConcurrentStreams?: number | undefined;
}

/** The changes that a connection reports to its pool. */
export interface ConnectionEvents {
  /** It carries another number of requests, or can take another number: see `hasRoom` and `state`. */
  changed(connection: Carrier): void;
  /** It takes no further request; its requests in flight go on. */
  drains(connection: Carrier): void;
  /** It can no longer be used. */
  closed(connection: Carrier): void;
}

/** The changes of a connection over HTTP/1.1. */
export interface H1Events extends ConnectionEvents {
  /** Its socket is ready. */
  connected(connection: Connection): void;
  /** Its socket could not be connected. */
  failed(connection: Connection, error: Error): void;
}

/**
 * Dials at once, unless it takes over the socket `ready`. The undici client is made with the first request, since undici
 * dials only for a request that it then keeps, while ours may be served by another connection first.
 */
export class Connection implements Carrier {
  readonly #origin: string;
  readonly #connect: Connect;
  readonly #keepAliveTimeout: number;
  readonly #pool: H1Events;
  readonly dialedAt = performance.now();
  #client: Client | undefined;
  #socket: Socket;
  /** The request that it is dialed for; undefined once that was served by another connection. */
  waiter: Job | undefined;
  #job: Job | undefined;
  retiresAt: number;
  /** Undefined while it is dialing. */
  #open: boolean | undefined;
  running = 0;
  used = false;
  /** Requests that it has taken. */
  #sent = 0;
  readonly #most: number;
  listed = false;
  finishing = false;
  /** Ends the time for which it waits for its first request. */
  #resting: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    origin: string,
    connect: Connect,
    { keepAliveTimeout, maxRequestsPerConnection = Number.POSITIVE_INFINITY }: CarrierOptions,
    retiresAt: number,
    pool: H1Events,
    ready?: Socket,
  ) {
    this.#origin = origin;
    this.#connect = connect;
    this.#keepAliveTimeout = keepAliveTimeout;
    this.retiresAt = retiresAt;
    this.#most = maxRequestsPerConnection;
    this.#pool = pool;
    this.#socket = this.#watched(ready ?? this.#dial()).once('close', () => {
      if (this.#client === undefined && this.#open !== false) this.#failed();
    });
    if (ready !== undefined) this.#open = true;
  }

  #dial(): Socket {
    const url = new URL(this.#origin);
    const { host, protocol, port } = url;
    const socket = this.#connect({ host, hostname: plainHost(url), protocol, port } as never, (...[error]) => {
      if (error !== null) this.#failed(error);
      else this.#connected();
    });
    // Its first use loads it, while the server is being reached.
    undiciClient();
    return socket;
  }

  #failed(error = new Error('The socket was destroyed.')): void {
    const dialed = this.#open === undefined;
    this.#open = false;
    clearTimeout(this.#resting);
    if (dialed) this.#pool.failed(this, error);
    else this.#pool.closed(this);
  }

  #connected(): void {
    this.#open = true;
    this.#pool.connected(this);
    if (this.#client !== undefined || this.closing) return;
    // Whatever comes before the first request is not its answer. undici is not there yet to close the connection.
    this.#socket.unref().on('readable', this.#discard);
    this.#resting = setTimeout(this.#discard, this.#keepAliveTimeout).unref();
  }

  readonly #discard = (): void => {
    this.#socket.destroy();
  };

  #start(): Client {
    const socket = this.#socket;
    clearTimeout(this.#resting);
    if (this.#resting !== undefined) socket.off('readable', this.#discard).ref();
    let ready: Socket | undefined = socket;
    const { Client } = undiciClient();
    const client = new Client(this.#origin, {
      __proto__: null,
      connect: (options, callback) => {
        const given = ready;
        ready = undefined;
        // undici misses a callback that is called at once, and connects anew where it loses a socket before it wrote to it.
        if (given !== undefined && !given.destroyed) queueMicrotask(() => callback(null, given));
        else this.#socket = this.#watched(this.#connect(options, callback));
      },
      keepAliveTimeout: this.#keepAliveTimeout,
      // Otherwise the server could raise it to ten minutes.
      keepAliveMaxTimeout: this.#keepAliveTimeout,
      // The policies keep the time limits; undici's own timers are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
    } as Client.Options);
    return client
      .on('connect', () => {
        this.#open = true;
      })
      .on('disconnect', () => {
        this.#open = false;
        if (this.listed) this.#pool.closed(this);
      })
      .on('connectionError', () => this.#pool.closed(this))
      .on('drain', () => this.#free());
  }

  get httpVersion(): '1.1' {
    return '1.1';
  }

  /**
   * Adds listeners ahead of undici's own, against two faults: undici ends the process by an assertion where a socket
   * ends while its parser is paused for a slow reader, and takes a body without a length that a reset cut short for a
   * complete one.
   */
  #watched(socket: Socket): Socket {
    const unpause = () => {
      const parser = parserOf(socket);
      if (parser) parser.paused = false;
    };
    return socket
      .on('end', () => this.#job?.ended?.())
      .on('error', (error) => {
        this.#job?.cut?.(error);
        unpause();
      })
      .on('close', unpause);
  }

  #free(): void {
    this.#job = undefined;
    this.running = 0;
    this.#pool.changed(this);
  }

  send(job: Job): void {
    job.connection = this;
    this.#job = job;
    this.running = 1;
    this.used = this.#sent > 0;
    this.#sent++;
    if (this.spent) this.retiresAt = 0;
    const client = this.#client ?? this.#start();
    this.#client = client;
    const free = client.dispatch(job.options, job);
    // A request that undici refuses at once is over before it began, and no event reports that the connection is free.
    if (free || (job.over && client.stats.size === 0)) this.#free();
  }

  /**
   * undici waits for the length that a 304 may state (RFC 9110, 8.6), and reports a broken connection when that does
   * not come. Some servers send the body that a HEAD is about all the same: it could be read as the next answer, so the
   * connection is not used again.
   */
  expectNoBody(toHead: boolean): void {
    if (toHead) this.retiresAt = 0;
    const parser = parserOf(this.#socket);
    if (parser) parser.contentLength = '';
  }

  get closing(): boolean {
    return this.#socket.destroyed;
  }

  get spent(): boolean {
    return this.#sent >= this.#most;
  }

  get hasRoom(): boolean {
    if (this.#open !== true || this.running > 0) return false;
    return this.#client === undefined ? !this.closing : !this.#client.closed && !this.#client.destroyed;
  }

  get state(): ConnectionState {
    if (this.#open === false || this.#client?.destroyed) return 'closed';
    if (this.#client?.closed) return 'draining';
    if (this.#open === undefined) return 'dialing';
    return this.running > 0 ? 'busy' : 'idle';
  }

  /** Dials for another request than before, which has the whole connect timeout. */
  dialFor(job: Job): void {
    if (this.waiter === undefined) this.#socket.emit(reclaimed);
    this.waiter = job;
  }

  stopDialing(reason: Error): void {
    if (this.#open !== true) this.#socket.destroy(reason);
  }

  close(): Promise<void> {
    this.#closed ??= this.#client === undefined || this.#client.destroyed ? this.destroy() : this.#client.close();
    return this.#closed;
  }

  async destroy(reason?: Error): Promise<void> {
    // undici would wait for a connection that is still dialing.
    if (this.#open !== true || this.#client === undefined) this.#socket.destroy();
    await (reason === undefined ? this.#client?.destroy() : this.#client?.destroy(reason));
  }
}
