/** One connection: an undici client that carries one request at a time, and its age. */
import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { Connect } from './connect.js';

/** A request as a connection takes it. */
export interface Job extends Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions;
  /** What it was given to; undefined while it waits. */
  connection: Connection | undefined;
  /** True once it needs no connection any more. */
  readonly over: boolean;
}

/** What the pool is told of. */
export interface ConnectionEvents {
  /** It can take a request again, or has lost its socket: see `connected`. */
  free(connection: Connection): void;
  /** It is of no use any more. */
  lost(connection: Connection): void;
}

export class Connection {
  readonly #client: Client;
  readonly #pool: ConnectionEvents;
  #socket: Socket | undefined;
  /** `performance.now()` after which it takes no further request. */
  readonly retiresAt: number;
  connected = false;
  /** Has carried a request before the one it has now. */
  used = false;
  #sent = false;
  /** In the pool's list of those that can be taken. */
  idle = false;
  /** Its answer is there, its socket comes free in this turn of the event loop. */
  finishing = false;

  constructor(origin: string, connect: Connect, keepAliveTimeout: number, retiresAt: number, pool: ConnectionEvents) {
    this.retiresAt = retiresAt;
    this.#pool = pool;
    this.#client = new Client(origin, {
      connect: (options, callback) => {
        this.#socket = connect(options, callback);
      },
      allowH2: true,
      keepAliveTimeout,
      // Time is kept by the policies; undici's own timers are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#client
      .on('connect', () => {
        this.connected = true;
      })
      .on('disconnect', () => {
        this.connected = false;
        if (this.idle) pool.lost(this);
      })
      .on('connectionError', () => pool.lost(this))
      .on('drain', () => pool.free(this));
  }

  send(job: Job): void {
    job.connection = this;
    this.used = this.#sent;
    this.#sent = true;
    const free = this.#client.dispatch(job.options, job);
    // What undici refuses to take at all is over before it began, and no event tells that the connection is free.
    if (free || (job.over && this.#client.stats.size === 0)) this.#pool.free(this);
  }

  /** Gives up a connection that is still being made. */
  abandon(reason: Error): void {
    if (!this.connected) this.#socket?.destroy(reason);
  }

  /** Closes once what it carries has ended. */
  close(): Promise<void> {
    return this.#client.closed || this.#client.destroyed ? Promise.resolve() : this.#client.close();
  }

  /** Ends what it carries. */
  destroy(): Promise<void> {
    // undici would wait for a connection that is still being made.
    if (!this.connected) this.#socket?.destroy();
    return this.#client.destroy();
  }
}
