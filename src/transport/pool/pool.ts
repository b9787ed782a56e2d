/** The connections to one origin: which are idle, which requests wait for one, and which have become too old. */
import type { TLSSocket } from 'node:tls';
import { closedError, ErrorCode, PillionError, traceless } from '../../call/errors.js';
import { Queue } from '../../call/queue.js';
import type { Endpoint } from '../../call/record.js';
import { type Connect, type Connectors, connectorTo } from './connect.js';
import { type Carrier, Connection, checkHeaders, type H1Events, type Job } from './connection.js';
import { DialWindow } from './dial-window.js';
import { H2Connection, type H2Events } from './h2-connection.js';

export interface PoolOptions {
  readonly maxConnections: number;
  /** Requests that may wait while all connections are in use; undefined: no limit. */
  readonly maxPendingRequests?: number | undefined;
  /** Requests that one connection may carry in its life; undefined: no limit. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** Requests that one HTTP/2 connection may carry at once, where the server allows as many; undefined: no limit. */
  readonly maxConcurrentStreams?: number | undefined;
  /** Milliseconds after which a connection takes no further request, less up to a fifth at random; false: no limit. */
  readonly maxConnectionAge: number | false;
  /** Milliseconds that an idle connection stays open, unless the server announces a shorter time. */
  readonly keepAliveTimeout: number;
}

/** Counts of the connections and requests of one origin. */
export interface PoolStats {
  /** Connections that are open. */
  connected: number;
  /** Connections that can take a request now. */
  free: number;
  /** Requests that wait for a connection. */
  pending: number;
  /** Requests in flight. */
  running: number;
}

/** The destination of a pool's connections. */
export interface Destination {
  readonly origin: string;
  readonly key: string;
  /** The address to connect to, in place of those of the origin's name. */
  readonly endpoint: Endpoint | undefined;
}

/** Takes the connection that was used last first, so that surplus connections stay idle and close. */
export class Pool implements H1Events, H2Events {
  readonly origin: string;
  /** Identifies the pool: the origin, and the address where one of many was chosen. */
  readonly key: string;
  readonly #connect: Connectors;
  readonly #options: PoolOptions;
  readonly #onEmpty: (pool: Pool) => void;
  readonly #all = new Set<Carrier>();
  readonly #listed: Carrier[] = [];
  /** Requests that no connection is dialed for. */
  readonly #waiting = new Queue<Job>();
  /** Requests that came before those, each with the connection over HTTP/1.1 that is dialed for it. */
  readonly #dials = new Queue<Job>();
  readonly #window = new DialWindow(() => this.#pump());
  /** Connections over HTTP/1.1 that are dialed for a request which was served by another connection, or given up. */
  readonly #spare = new Set<Connection>();
  #finishing = 0;
  #pumping = false;
  /** The connector for HTTP/2; undefined where it is not to be spoken, and once a server has chosen HTTP/1.1. */
  #h2: Connect | undefined;
  /**
   * The connection that is being dialed and may turn out to be HTTP/2. Until it takes requests, no other is opened, and
   * further requests wait for it.
   */
  #dialing: H2Connection | undefined;
  /** The functions to call once the queue is empty. */
  readonly #drained: (() => void)[] = [];

  constructor(destination: Destination, connect: Connectors, options: PoolOptions, onEmpty: (pool: Pool) => void) {
    const { origin, key, endpoint } = destination;
    this.origin = origin;
    this.key = key;
    this.#connect = endpoint === undefined ? connect : connectorsTo(endpoint, connect);
    this.#options = options;
    this.#onEmpty = onEmpty;
    this.#h2 = origin.startsWith('https:') ? this.#connect.h2 : this.#connect.h2c;
  }

  dispatch(job: Job): void {
    const connection = this.#served ? this.#takeIdle() : undefined;
    if (connection !== undefined) {
      this.#give(connection, job);
      return;
    }
    job.place = this.#waiting.add(job);
    this.#pump();
  }

  /** Removes an aborted request from the queue, and aborts a connection that was being dialed for it alone. */
  abort(job: Job, reason: Error): void {
    const { dial } = job;
    if (job.connection !== undefined) {
      job.connection.stopDialing(reason);
    } else if (dial !== undefined) {
      this.#undial(job);
      // Another request may take it over.
      this.#pump();
      if (dial.waiter === undefined) dial.stopDialing(reason);
    } else {
      this.#waiting.remove(job.place);
      // A pool that is closing waits for its queue.
      if (this.#served) this.#tellDrained();
    }
    const dialing = this.#dialing;
    if (dialing !== undefined && !hasSocket(dialing) && this.#waiting.size === 0 && dialing.running === 0)
      this.closed(dialing);
  }

  /**
   * Called when an answer is complete. undici takes the socket back only in the next phase of the event loop: the next
   * request of a caller that goes on at once waits that long, instead of opening another connection. Handed to undici
   * right away it would be sent a turn of the loop earlier, which is a tenth of a lone caller's CPU; but where a server
   * ends the connection with its answer and does not say so, only the turn shows that, and every second POST would fail.
   */
  finished(connection: Carrier | undefined): void {
    if (connection === undefined || connection.finishing || connection.listed || !isOpen(connection)) return;
    connection.finishing = true;
    this.#finishing++;
  }

  changed(connection: Carrier): void {
    this.#settled(connection);
    if (this.#dialing?.ready) this.#dialing = undefined;
    if (!hasSocket(connection)) this.closed(connection);
    else if (connection.retiresAt < performance.now()) this.#retire(connection);
    else this.#list(connection);
    this.#pump();
  }

  connected(connection: Connection): void {
    const job = connection.waiter;
    this.#window.ended(performance.now() - connection.dialedAt);
    this.#spare.delete(connection);
    if (job === undefined) {
      this.changed(connection);
      return;
    }
    this.#undialed(job);
    connection.waiter = undefined;
    this.#give(connection, job);
    this.#pump();
  }

  failed(connection: Connection, error: Error): void {
    const job = connection.waiter;
    this.#window.ended();
    if (job !== undefined) this.#undialed(job);
    this.closed(connection);
    job?.onResponseError?.(undefined as never, error);
  }

  closed(connection: Carrier): void {
    this.#settled(connection);
    if (connection === this.#dialing) this.#dialing = undefined;
    if (!this.#forget(connection)) return;
    void connection.destroy();
    this.#pump();
  }

  drains(connection: Carrier): void {
    if (connection === this.#dialing) this.#dialing = undefined;
    this.#settled(connection);
    this.#unlist(connection);
    if (connection.running === 0) this.closed(connection);
    this.#pump();
  }

  downgraded(connection: H2Connection, socket: TLSSocket, job: Job | undefined): void {
    this.#h2 = undefined;
    this.#dialing = undefined;
    this.#all.delete(connection);
    const made = this.#add(socket);
    if (job === undefined || job.over) void this.#end(made);
    else made.send(job);
    if (!isOpen(connection)) connection.followedBy(this.#end(made));
    this.#pump();
  }

  unreachable(connection: H2Connection, error: Error): void {
    this.#dialing = undefined;
    const waited = this.#waiting.takeAll();
    this.closed(connection);
    for (const job of waited) job.onResponseError?.(undefined as never, error);
  }

  /** True where no request waits. */
  get #served(): boolean {
    return this.#waiting.size === 0 && this.#dials.size === 0;
  }

  get busy(): boolean {
    if (!this.#served) return true;
    for (const connection of this.#all) if (connection.running > 0) return true;
    return false;
  }

  stats(): PoolStats {
    let connected = 0;
    let running = this.#dials.size;
    for (const connection of this.#all) {
      if (hasSocket(connection)) connected++;
      running += connection.running;
    }
    return { connected, free: this.#listed.length, pending: this.#waiting.size, running };
  }

  /** Closes the pool once running and waiting requests have finished. */
  async close(): Promise<void> {
    if (!this.#served)
      await new Promise<void>((resolve) => {
        this.#drained.push(resolve);
      });
    await Promise.all([...this.#all].map((connection) => this.#end(connection)));
  }

  /** undici does not report the end of a connection that it was asked to close. */
  async #end(connection: Carrier): Promise<void> {
    // Requests that come now, such as the next one of a redirect, must not wait for a connection that takes none.
    if (connection === this.#dialing) this.#dialing = undefined;
    this.#spare.delete(connection as Connection);
    this.#settled(connection);
    this.#unlist(connection);
    await connection.close();
    this.closed(connection);
  }

  /** Ends running and waiting requests. */
  async destroy(reason?: Error): Promise<void> {
    const dialed = this.#dials.items();
    for (const job of dialed) this.#undial(job);
    const refused = [...dialed, ...this.#waiting.takeAll()];
    for (const job of refused) job.onResponseError?.(undefined as never, reason ?? closedError('pillion'));
    this.#tellDrained();
    await Promise.all([...this.#all].map((connection) => connection.destroy(reason)));
  }

  #pump(): void {
    // A connection that fails while it is given a request calls back here: the loop that is running goes on by itself.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#spread();
    } finally {
      this.#pumping = false;
    }
    if (this.#served) {
      this.#window.release();
      this.#tellDrained();
    }
  }

  #spread(): void {
    while (!this.#served) {
      const connection = this.#takeIdle();
      if (connection !== undefined) this.#give(connection, this.#next());
      else if (this.#waiting.size === 0) return;
      else if (!this.#open()) {
        this.#refuseExcess();
        return;
      }
    }
  }

  /** The request that came first. The connection that is dialed for it goes to another request, or is idle once it is ready. */
  #next(): Job {
    const { first } = this.#dials;
    if (first === undefined) return this.#waiting.shift() as Job;
    this.#undial(first);
    return first;
  }

  #dialFor(dial: Connection, job: Job): void {
    this.#spare.delete(dial);
    job.dial = dial;
    job.place = this.#dials.add(job);
    dial.dialFor(job);
  }

  /** Leaves what is dialed for a request to another one. */
  #undial(job: Job): void {
    const { dial } = job;
    this.#undialed(job);
    if (dial === undefined) return;
    dial.waiter = undefined;
    this.#spare.add(dial);
  }

  #undialed(job: Job): void {
    job.dial = undefined;
    this.#dials.remove(job.place);
  }

  /**
   * Refuses the requests that came last where too many wait. Those for which a connection may be opened, or becomes free
   * in this turn of the event loop, do not count.
   */
  #refuseExcess(): void {
    const { maxPendingRequests: most, maxConnections } = this.#options;
    if (most === undefined || this.#dialing !== undefined || this.#waiting.size <= most) return;
    let expected = Math.max(0, maxConnections - this.#all.size);
    for (const { finishing, closing } of this.#all) if (finishing || closing) expected++;
    while (this.#waiting.size > most + expected)
      this.#waiting.pop()?.onResponseError?.(undefined as never, overflow(this.origin, maxConnections, most));
  }

  /** A connection that carries many requests stays in the list for as long as it has room. */
  #give(connection: Carrier, job: Job): void {
    connection.send(job);
    this.#list(connection);
  }

  #tellDrained(): void {
    if (this.#drained.length > 0) for (const tell of this.#drained.splice(0)) tell();
  }

  #takeIdle(): Carrier | undefined {
    for (let connection = this.#listed.pop(); connection !== undefined; connection = this.#listed.pop()) {
      connection.listed = false;
      if (connection.retiresAt <= performance.now()) this.#retire(connection);
      else if (connection.hasRoom) return connection;
    }
    return undefined;
  }

  /** Has a connection dialed for the first request that has none; false where it has to wait. */
  #open(): boolean {
    if (this.#dialing !== undefined || this.#finishing >= this.#waiting.size) return false;
    const [spare] = this.#spare;
    if (spare !== undefined) {
      this.#dialFor(spare, this.#waiting.shift() as Job);
      return true;
    }
    if (this.#all.size >= this.#options.maxConnections && !this.#mayExceed()) return false;
    if (this.#h2 === undefined && this.#window.isFull(this.#dials.size)) {
      this.#window.hold();
      return false;
    }
    const job = this.#waiting.shift() as Job;
    try {
      if (this.#h2 === undefined) this.#dialFor(this.#dialH1(job), job);
      else this.#give(this.#dialH2(this.#h2), job);
    } catch (error) {
      job.onResponseError?.(undefined as never, error as Error);
    }
    return true;
  }

  /**
   * True where all connections drain. One more is opened then: the last stream of an old connection may take long, and
   * no further request could be sent until its end. Not where they drain since they have carried all that they may, as
   * `maxConnections` would have no effect.
   */
  #mayExceed(): boolean {
    if (this.#all.size > this.#options.maxConnections) return false;
    for (const { state, spent } of this.#all) if (state !== 'draining' || spent) return false;
    return true;
  }

  #dialH1(job: Job): Connection {
    checkHeaders(job);
    return this.#add();
  }

  #add(ready?: TLSSocket): Connection {
    const { h1 } = this.#connect;
    const connection = new Connection(this.origin, h1, this.#options, this.#retirement(), this, ready);
    this.#all.add(connection);
    return connection;
  }

  #dialH2(connect: Connect): H2Connection {
    const origin = new URL(this.origin);
    const connection = new H2Connection(origin, connect, this.#options, this.#retirement(), this);
    this.#dialing = connection;
    this.#all.add(connection);
    return connection;
  }

  /** Partly random, so that connections opened together are not all reopened together. */
  #retirement(): number {
    const { maxConnectionAge } = this.#options;
    if (maxConnectionAge === false) return Number.POSITIVE_INFINITY;
    return performance.now() + maxConnectionAge * (1 - Math.random() / 5);
  }

  #retire(connection: Carrier): void {
    if (connection.running === 0) this.#forget(connection);
    void this.#end(connection);
  }

  #list(connection: Carrier): void {
    if (!connection.hasRoom) this.#unlist(connection);
    else if (!connection.listed) {
      connection.listed = true;
      this.#listed.push(connection);
    }
  }

  #unlist(connection: Carrier): void {
    if (connection.listed) this.#listed.splice(this.#listed.indexOf(connection), 1);
    connection.listed = false;
  }

  #settled(connection: Carrier): void {
    if (!connection.finishing) return;
    connection.finishing = false;
    this.#finishing--;
  }

  #forget(connection: Carrier): boolean {
    if (!this.#all.delete(connection)) return false;
    this.#spare.delete(connection as Connection);
    this.#unlist(connection);
    if (this.#all.size === 0 && this.#waiting.size === 0) this.#onEmpty(this);
    return true;
  }
}

/** The error for a request that may not wait; its exchange adds the request. */
function overflow(origin: string, maxConnections: number, most: number): PillionError {
  const message =
    `All connections to ${origin} are in use and ${most} requests wait for one ` +
    `(connections.maxConnections ${maxConnections}, connections.maxPendingRequests ${most}).`;
  return traceless(() => new PillionError(ErrorCode.LIMIT, message, undefined, { reason: 'max_pending_requests' }));
}

/** True for a connection whose socket is ready, though it may take no further request. */
function hasSocket({ state }: Carrier): boolean {
  return state !== 'dialing' && state !== 'closed';
}

/** True for a connection that takes requests, now or once it is connected. */
function isOpen({ state }: Carrier): boolean {
  return state !== 'draining' && state !== 'closed';
}

function connectorsTo(endpoint: Endpoint, { h1, h2, h2c }: Connectors): Connectors {
  const to = (connect: Connect) => connectorTo(endpoint, connect);
  return { h1: to(h1), h2: h2 && to(h2), h2c: h2c && to(h2c) };
}
