/** The sockets of Node's agents, all of a lane together: how long they may be unused, how old, and to how many destinations. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { announcesBody } from '../../call/headers.js';

export interface NodeSocketOptions {
  /** Milliseconds that an unused socket stays open, unless the server tells a time of its own. */
  readonly keepAliveTimeout: number;
  /** Milliseconds, jittered by a fifth downwards; false: no limit. */
  readonly maxConnectionAge: number | false;
  /** Destinations with open sockets; beyond it the one that was used longest ago is let go. */
  readonly maxOrigins: number;
}

/** One destination: its open sockets, and those of them that carry nothing. */
interface Host {
  readonly key: string;
  readonly open: Set<Socket>;
  readonly idle: Set<Socket>;
}

interface Kept {
  readonly host: Host;
  readonly retiresAt: number;
}

/** Seconds that a server tells, less what undici leaves for the way; and the most that it believes. */
const threshold = 2000;
const longestHint = 600_000;

export class NodeSockets {
  readonly #options: NodeSocketOptions;
  /** The latest used last. */
  readonly #hosts = new Map<string, Host>();
  readonly #kept = new WeakMap<Socket, Kept>();
  #closing = false;

  constructor(options: NodeSocketOptions) {
    this.#options = options;
  }

  /** Has an agent keep its sockets by these rules. */
  govern(agent: Agent): void {
    const { keepSocketAlive, reuseSocket } = agent as Agent & {
      keepSocketAlive(socket: Socket): boolean;
      reuseSocket(socket: Socket, request: ClientRequest): void;
    };
    // Before Node's own listener, which gives the socket to the next request in the queue.
    agent.prependListener('free', (socket: Socket) => {
      if (this.#isTooOld(socket) || mayBringMore(socket)) socket.destroy();
    });
    Object.assign(agent, {
      keepSocketAlive: (socket: Socket) => keepSocketAlive.call(agent, socket) && this.#rest(socket),
      reuseSocket: (socket: Socket, request: ClientRequest) => {
        reuseSocket.call(agent, socket, request);
        this.#work(socket);
      },
    });
  }

  /** Before a socket to this destination is opened. */
  makeRoom(key: string): void {
    if (!this.#hosts.has(key) && this.#hosts.size >= this.#options.maxOrigins) this.#evict();
  }

  opened(key: string, socket: Socket): void {
    const host = this.#hosts.get(key) ?? { key, open: new Set(), idle: new Set() };
    this.#use(host);
    host.open.add(socket);
    this.#kept.set(socket, { host, retiresAt: this.#retirement() });
    // The time of a request that waits for its answer is not kept here.
    socket.on('timeout', () => host.idle.has(socket) && socket.destroy());
    socket.once('close', () => {
      host.idle.delete(socket);
      host.open.delete(socket);
      if (host.open.size === 0) this.#forget(host);
    });
  }

  /** Closes what is unused at once and the rest once its request has ended. */
  close(): void {
    this.#closing = true;
    for (const { idle } of this.#hosts.values()) destroyAll(idle);
  }

  destroy(): void {
    this.#closing = true;
    for (const { open } of this.#hosts.values()) destroyAll(open);
  }

  /** True where the socket may stay open, unused. */
  #rest(socket: Socket): boolean {
    const kept = this.#kept.get(socket);
    if (kept === undefined || this.#closing) return false;
    const ms = Math.min(this.#idleTime(socket), kept.retiresAt - performance.now());
    // There are more destinations than there should be where all were at work at once.
    if (ms <= 0 || (this.#hosts.size > this.#options.maxOrigins && !this.#evict())) return false;
    kept.host.idle.add(socket);
    // Bytes that belong to no response would be taken for the next one's.
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

  /** Lets go of the destination used longest ago that carries nothing; false where all of the oldest are at work. */
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

  #retirement(): number {
    const { maxConnectionAge } = this.#options;
    if (maxConnectionAge === false) return Number.POSITIVE_INFINITY;
    return performance.now() + maxConnectionAge * (1 - Math.random() / 5);
  }

  #idleTime(socket: Socket): number {
    const request = lastRequest(socket);
    const [, seconds] = /timeout=(\d+)/.exec(String(request?.res?.headers['keep-alive'] ?? '')) ?? [];
    if (seconds === undefined) return this.#options.keepAliveTimeout;
    return Math.min(Number(seconds) * 1000 - threshold, longestHint);
  }
}

/** What Node's http keeps on a socket until it is given to another request. */
function lastRequest(socket: Socket): { method?: string; res?: IncomingMessage } | undefined {
  return (socket as Socket & { _httpMessage?: { method?: string; res?: IncomingMessage } })._httpMessage;
}

/** Some servers send the body that a HEAD is about all the same: what comes late would be taken for the next answer. */
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
