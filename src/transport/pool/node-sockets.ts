/**
 * Limits for the sockets of Node's agents, of a whole lane together: their idle time, their age, and their
 * destinations.
 */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { announcesBody } from '../../call/headers.js';

export interface NodeSocketOptions {
  /** Milliseconds that an unused socket stays open, unless the server announces a shorter time. */
  readonly keepAliveTimeout: number;
  /** Milliseconds after which a socket carries no further request, less up to a fifth at random; false: no limit. */
  readonly maxConnectionAge: number | false;
  /** Requests that one socket may carry in its life; undefined: no limit. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** Destinations with open sockets; beyond this number, the one used longest ago is evicted. */
  readonly maxOrigins: number;
}

/** One destination: its open sockets, and the idle ones among them. */
interface Host {
  readonly key: string;
  readonly open: Set<Socket>;
  readonly idle: Set<Socket>;
}

interface Kept {
  readonly host: Host;
  readonly retiresAt: number;
  /** Requests that it has carried. */
  requests: number;
}

/** Milliseconds that are taken off the time a server announces, as undici does for the way. */
const threshold = 2000;

export class NodeSockets {
  readonly #options: NodeSocketOptions;
  /** The most recently used is last. */
  readonly #hosts = new Map<string, Host>();
  readonly #kept = new WeakMap<Socket, Kept>();
  #closing = false;

  constructor(options: NodeSocketOptions) {
    this.#options = options;
  }

  /** Makes an agent keep its sockets by these rules. */
  govern(agent: Agent): void {
    const { keepSocketAlive, reuseSocket } = agent as Agent & {
      keepSocketAlive(socket: Socket): boolean;
      reuseSocket(socket: Socket, request: ClientRequest): void;
    };
    // Runs before Node's own listener, which gives the socket to the next request in the queue.
    agent.prependListener('free', (socket: Socket) => {
      if (this.#isTooOld(socket) || this.#isSpent(socket) || mayBringMore(socket)) socket.destroy();
    });
    Object.assign(agent, {
      keepSocketAlive: (socket: Socket) => keepSocketAlive.call(agent, socket) && this.#rest(socket),
      reuseSocket: (socket: Socket, request: ClientRequest) => {
        reuseSocket.call(agent, socket, request);
        this.#work(socket);
      },
    });
  }

  /** Called before a socket to this destination is opened. */
  makeRoom(key: string): void {
    if (!this.#hosts.has(key) && this.#hosts.size >= this.#options.maxOrigins) this.#evict();
  }

  opened(key: string, socket: Socket): void {
    const host = this.#hosts.get(key) ?? { key, open: new Set(), idle: new Set() };
    this.#use(host);
    host.open.add(socket);
    this.#kept.set(socket, { host, retiresAt: this.#retirement(), requests: 0 });
    // Requests in flight have time limits of their own, so a timeout closes only an idle socket.
    socket.on('timeout', () => host.idle.has(socket) && socket.destroy());
    socket.once('close', () => {
      host.idle.delete(socket);
      host.open.delete(socket);
      if (host.open.size === 0) this.#forget(host);
    });
  }

  /** Closes idle sockets at once and the others once their request has ended. */
  close(): void {
    this.#closing = true;
    for (const { idle } of this.#hosts.values()) destroyAll(idle);
  }

  destroy(): void {
    this.#closing = true;
    for (const { open } of this.#hosts.values()) destroyAll(open);
  }

  /** True where the socket may stay open while it is idle. */
  #rest(socket: Socket): boolean {
    const kept = this.#kept.get(socket);
    if (kept === undefined || this.#closing) return false;
    const ms = Math.min(this.#idleTime(socket), kept.retiresAt - performance.now());
    // There are more destinations than `maxOrigins` where all were busy at once.
    if (ms <= 0 || (this.#hosts.size > this.#options.maxOrigins && !this.#evict())) return false;
    kept.host.idle.add(socket);
    // Bytes that arrive on an idle socket belong to no response, and would be read as the next one.
    socket.on('data', destroyThis);
    socket.setTimeout(Math.ceil(ms));
    return true;
  }

  #work(socket: Socket): void {
    const kept = this.#kept.get(socket);
    if (kept === undefined) return;
    socket.setTimeout(0);
    socket.off('data', destroyThis);
    kept.host.idle.delete(socket);
    this.#use(kept.host);
  }

  #use(host: Host): void {
    this.#hosts.delete(host.key);
    this.#hosts.set(host.key, host);
  }

  #forget(host: Host): void {
    if (this.#hosts.get(host.key) === host) this.#hosts.delete(host.key);
  }

  /**
   * Closes the destination used longest ago that carries nothing. It looks at the 16 oldest only; false where all of
   * these are busy.
   */
  #evict(): boolean {
    let looked = 0;
    for (const host of this.#hosts.values()) {
      if (host.idle.size === host.open.size) {
        this.#forget(host);
        destroyAll(host.open);
        return true;
      }
      if (++looked === 16) return false;
    }
    return false;
  }

  #isTooOld(socket: Socket): boolean {
    return (this.#kept.get(socket)?.retiresAt ?? Number.POSITIVE_INFINITY) <= performance.now();
  }

  #isSpent(socket: Socket): boolean {
    const kept = this.#kept.get(socket);
    return kept !== undefined && ++kept.requests === this.#options.maxRequestsPerConnection;
  }

  #retirement(): number {
    const { maxConnectionAge } = this.#options;
    if (maxConnectionAge === false) return Number.POSITIVE_INFINITY;
    return performance.now() + maxConnectionAge * (1 - Math.random() / 5);
  }

  #idleTime(socket: Socket): number {
    const request = lastRequest(socket);
    const [, seconds] = /timeout=(\d+)/.exec(String(request?.res?.headers['keep-alive'] ?? '')) ?? [];
    const { keepAliveTimeout } = this.#options;
    return seconds === undefined ? keepAliveTimeout : Math.min(Number(seconds) * 1000 - threshold, keepAliveTimeout);
  }
}

/** The last request on a socket, which Node's http keeps there until the next one. */
function lastRequest(socket: Socket): { method?: string; res?: IncomingMessage } | undefined {
  return (socket as Socket & { _httpMessage?: { method?: string; res?: IncomingMessage } })._httpMessage;
}

/**
 * True after a HEAD whose answer announced a body: some servers send it all the same, and it could be read as the next
 * answer.
 */
function mayBringMore(socket: Socket): boolean {
  const { method, res } = lastRequest(socket) ?? {};
  return method === 'HEAD' && res !== undefined && announcesBody(res.headers);
}

function destroyThis(this: Socket): void {
  this.destroy();
}

function destroyAll(sockets: Iterable<Socket>): void {
  for (const socket of [...sockets]) socket.destroy();
}
