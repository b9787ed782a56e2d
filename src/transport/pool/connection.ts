/** One HTTP/1.1 connection: an undici client that carries one request at a time. */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { Client, type Dispatcher } from 'undici';
import { Own } from '../../call/own.js';
import type { Connect } from './connect.js';
import { parserOf } from './parser.js';

/** What undici is asked: it would find further options on a polluted `Object.prototype`. */
export class Dispatch extends Own implements Dispatcher.DispatchOptions {
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: string[];
  readonly body: Buffer | string | Readable | null;
  /** undici would close the connection after a HEAD, or a GET with a body. */
  readonly reset = false;

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
  /** What it was given to; undefined while it waits. */
  connection: Carrier | undefined;
  /** True once it needs no connection any more. */
  readonly over: boolean;
  /** The other side has ended the connection: nothing is held back for a slow reader any more. */
  ended?(): void;
  /** The connection broke: what ends now is not complete, whatever the parser makes of it. */
  cut?(error: Error): void;
}

/** A connection, as the pool knows it. */
export interface Carrier {
  /** `performance.now()` after which it takes no further request. */
  retiresAt: number;
  readonly connected: boolean;
  /** Requests it carries. */
  readonly running: number;
  /** Has carried a request before the one it has now. */
  readonly used: boolean;
  /** Can be given a request now. */
  readonly hasRoom: boolean;
  /** In the pool's list of those that can be taken. */
  idle: boolean;
  /** Its answer is there, its socket comes free in this turn of the event loop. */
  finishing: boolean;
  /** It ends with what it carries, and takes nothing more. */
  readonly closing: boolean;
  send(job: Job): void;
  /** The answer that comes in has no body, whatever length it tells: for one by its status, or for a HEAD. */
  expectNoBody?(toHead: boolean): void;
  /** Gives up a connection that is still being made. */
  abandon(reason: Error): void;
  /** Closes once what it carries has ended. */
  close(): Promise<void>;
  /** Ends what it carries, with `reason` where one is given. */
  destroy(reason?: Error): Promise<void>;
}

/** What the pool is told of. */
export interface ConnectionEvents {
  /** What it can carry has changed, or it has lost its socket: see `hasRoom` and `connected`. */
  free(connection: Carrier): void;
  /** It takes no further request; what it carries goes on. */
  left(connection: Carrier): void;
  /** It is of no use any more. */
  lost(connection: Carrier): void;
}

export class Connection implements Carrier {
  readonly #client: Client;
  readonly #pool: ConnectionEvents;
  #socket: Socket | undefined;
  #job: Job | undefined;
  retiresAt: number;
  connected = false;
  running = 0;
  used = false;
  #sent = false;
  idle = false;
  finishing = false;
  #closed: Promise<void> | undefined;

  constructor(origin: string, connect: Connect, keepAliveTimeout: number, retiresAt: number, pool: ConnectionEvents) {
    this.retiresAt = retiresAt;
    this.#pool = pool;
    this.#client = new Client(origin, {
      __proto__: null,
      connect: (options, callback) => {
        this.#socket = this.#watched(connect(options, callback));
      },
      keepAliveTimeout,
      // Time is kept by the policies; undici's own timers are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
    } as Client.Options);
    this.#client
      .on('connect', () => {
        this.connected = true;
      })
      .on('disconnect', () => {
        this.connected = false;
        if (this.idle) pool.lost(this);
      })
      .on('connectionError', () => pool.lost(this))
      .on('drain', () => this.#free());
  }

  /**
   * Ahead of undici's own listeners. It ends the process by an assertion where a socket ends while its parser is paused for a
   * slow reader, and takes a body without a length that was cut by a reset for a whole one.
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
    this.#pool.free(this);
  }

  send(job: Job): void {
    job.connection = this;
    this.#job = job;
    this.running = 1;
    this.used = this.#sent;
    this.#sent = true;
    const free = this.#client.dispatch(job.options, job);
    // What undici refuses to take at all is over before it began, and no event tells that the connection is free.
    if (free || (job.over && this.#client.stats.size === 0)) this.#free();
  }

  /**
   * undici waits for the length that a 304 may tell (RFC 9110, 8.6), and takes what does not come for a broken connection. Some
   * servers send the body that a HEAD is about all the same: what comes late would be taken for the next answer.
   */
  expectNoBody(toHead: boolean): void {
    if (toHead) this.retiresAt = 0;
    const parser = this.#socket && parserOf(this.#socket);
    if (parser) parser.contentLength = '';
  }

  get hasRoom(): boolean {
    return this.connected && this.running === 0 && !this.closing;
  }

  abandon(reason: Error): void {
    if (!this.connected) this.#socket?.destroy(reason);
  }

  get closing(): boolean {
    return this.#client.closed || this.#client.destroyed;
  }

  close(): Promise<void> {
    this.#closed ??= this.#client.destroyed ? Promise.resolve() : this.#client.close();
    return this.#closed;
  }

  destroy(reason?: Error): Promise<void> {
    // undici would wait for a connection that is still being made.
    if (!this.connected) this.#socket?.destroy();
    return reason === undefined ? this.#client.destroy() : this.#client.destroy(reason);
  }
}
