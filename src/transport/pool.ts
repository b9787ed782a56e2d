/** The connections to one origin: who is free, who waits, who is too old. */
import { closedError } from '../errors.js';
import type { Connect } from './connect.js';
import { Connection, type ConnectionEvents, type Job } from './connection.js';

export interface PoolOptions {
  readonly maxConnections: number;
  /** Milliseconds, jittered by a fifth downwards; false: no limit. */
  readonly maxConnectionAge: number | false;
  /** Milliseconds that an idle connection stays open, unless the server says less. */
  readonly keepAliveTimeout: number;
}

export interface PoolStats {
  connected: number;
  free: number;
  pending: number;
  running: number;
}

/** Connections are taken youngest use first, so that those which are not needed close. */
export class Pool implements ConnectionEvents {
  readonly origin: string;
  readonly #connect: Connect;
  readonly #options: PoolOptions;
  readonly #onEmpty: (pool: Pool) => void;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #waiting: Job[] = [];
  #finishing = 0;
  #drained: (() => void) | undefined;

  constructor(origin: string, connect: Connect, options: PoolOptions, onEmpty: (pool: Pool) => void) {
    this.origin = origin;
    this.#connect = connect;
    this.#options = options;
    this.#onEmpty = onEmpty;
  }

  dispatch(job: Job): void {
    const connection = this.#waiting.length === 0 ? this.#takeIdle() : undefined;
    if (connection !== undefined) {
      connection.send(job);
      return;
    }
    this.#waiting.push(job);
    this.#pump();
  }

  /** A request that was given up: no longer waits, and nothing is connected for it alone. */
  giveUp(job: Job, reason: Error): void {
    if (job.connection !== undefined) {
      job.connection.abandon(reason);
      return;
    }
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /**
   * The answer is there. undici takes the socket back only in the next phase of the event loop: a caller who goes on at
   * once waits that long, in place of opening another connection.
   */
  finished(connection: Connection | undefined): void {
    if (connection === undefined || connection.finishing || connection.idle) return;
    connection.finishing = true;
    this.#finishing++;
  }

  free(connection: Connection): void {
    this.#settled(connection);
    if (!connection.connected) this.lost(connection);
    else if (connection.retiresAt < performance.now()) this.#retire(connection);
    else if (!connection.idle) {
      connection.idle = true;
      this.#idle.push(connection);
    }
    this.#pump();
  }

  lost(connection: Connection): void {
    this.#settled(connection);
    if (!this.#forget(connection)) return;
    void connection.destroy();
    this.#pump();
  }

  get busy(): boolean {
    return this.#waiting.length > 0 || this.#idle.length < this.#all.size;
  }

  stats(): PoolStats {
    let connected = 0;
    for (const connection of this.#all) if (connection.connected) connected++;
    const free = this.#idle.length;
    return { connected, free, pending: this.#waiting.length, running: this.#all.size - free };
  }

  /** Lets what runs and waits finish. */
  async close(): Promise<void> {
    if (this.#waiting.length > 0)
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    await Promise.all([...this.#all].map((connection) => connection.close()));
  }

  /** Ends what runs and waits. */
  async destroy(): Promise<void> {
    const refused = this.#waiting.splice(0);
    for (const job of refused) job.onResponseError?.(undefined as never, closedError('pillion'));
    await Promise.all([...this.#all].map((connection) => connection.destroy()));
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      const connection = this.#takeIdle() ?? this.#open();
      if (connection === undefined) return;
      connection.send(this.#waiting.shift() as Job);
    }
    this.#drained?.();
  }

  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      connection.idle = false;
      if (connection.retiresAt > performance.now()) return connection;
      this.#retire(connection);
    }
    return undefined;
  }

  #open(): Connection | undefined {
    const { maxConnections, keepAliveTimeout } = this.#options;
    if (this.#finishing >= this.#waiting.length || this.#all.size >= maxConnections) return undefined;
    const connection = new Connection(this.origin, this.#connect, keepAliveTimeout, this.#retirement(), this);
    this.#all.add(connection);
    return connection;
  }

  /** Connections opened together shall not all be made anew together. */
  #retirement(): number {
    const { maxConnectionAge } = this.#options;
    if (maxConnectionAge === false) return Number.POSITIVE_INFINITY;
    return performance.now() + maxConnectionAge * (1 - Math.random() / 5);
  }

  #retire(connection: Connection): void {
    this.#forget(connection);
    void connection.close();
  }

  #settled(connection: Connection): void {
    if (!connection.finishing) return;
    connection.finishing = false;
    this.#finishing--;
  }

  #forget(connection: Connection): boolean {
    if (!this.#all.delete(connection)) return false;
    if (connection.idle) this.#idle.splice(this.#idle.indexOf(connection), 1);
    connection.idle = false;
    if (this.#all.size === 0 && this.#waiting.length === 0) this.#onEmpty(this);
    return true;
  }
}
