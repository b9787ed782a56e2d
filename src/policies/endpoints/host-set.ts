/** The endpoints of a client: which there are, and which of them may be used now. */
import { ErrorCode, PillionError } from '../../call/errors.js';
import { harmless } from '../../call/harmless.js';
import type { Request } from '../../call/message.js';
import { abortError } from '../../call/scope.js';
import type { PolicyContext } from '../policy.js';
import type { Discovery } from './discovery.js';
import { type DiscoveredEndpoint, Host } from './host.js';

export interface HostSetOptions {
  /** Of the client: its endpoints are preferred. */
  readonly zone: string | undefined;
  /** Percent of usable endpoints below which all are used. */
  readonly panicThresholdPercent: number;
  readonly slowStart: number;
}

/** Enough of them to know what is typical. */
const someHosts = 32;

const nothing = () => {};

type Waiter = (error?: Error) => void;

export class HostSet {
  hosts: readonly Host[] = [];
  /** Fewer are usable than the threshold asks for: all of them are used. */
  panicking = false;
  /** All that may be used have the same share. */
  even = true;
  readonly #options: HostSetOptions;
  readonly #discovery: Discovery | undefined;
  readonly #context: PolicyContext;
  #usable: readonly Host[] = [];
  /** `performance.now()` up to which `#usable` holds. */
  #holdsUntil = 0;
  #typical = Number.POSITIVE_INFINITY;
  #typicalAt = Number.NEGATIVE_INFINITY;
  #stop: (() => void) | undefined;
  #known = false;
  #waiting: Waiter[] = [];
  readonly #lookups = { succeeded: 0, failed: 0, lastError: undefined as string | undefined };

  /** `before` is what stood in its place: its endpoints are used until the discovery tells of others. */
  constructor(
    options: HostSetOptions,
    discovery: Discovery | undefined,
    context: PolicyContext,
    before: HostSet | undefined,
  ) {
    this.#options = options;
    this.#discovery = discovery;
    this.#context = context;
    this.hosts = before?.hosts ?? [];
    this.#known = this.hosts.length > 0;
  }

  /** Sets out to ask where the endpoints are; once. A source that throws has failed like any other. */
  start(): void {
    if (this.#stop !== undefined || this.#discovery === undefined) return;
    // It may tell at once, before it has said how to end it.
    this.#stop = nothing;
    try {
      const stop = this.#discovery.watch(
        (list) => this.#replace(list),
        (error) => this.#failed(error),
      );
      if (typeof stop === 'function') this.#stop = stop;
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  close(): void {
    const stop = this.#stop;
    // Whoever comes late starts nothing.
    this.#stop = nothing;
    if (stop !== undefined) harmless(stop);
  }

  /** Resolves once endpoints are known; only the first requests ever wait. */
  ready(request: Request): Promise<void> {
    if (this.#lookups.succeeded > 0) return Promise.reject(this.#noEndpoint(request, new Error('there is none')));
    return new Promise((resolve, reject) => {
      const { signal } = request;
      const leave = () => {
        signal?.removeEventListener?.('abort', abort);
        this.#waiting = this.#waiting.filter((each) => each !== waiter);
      };
      const waiter: Waiter = (error) => {
        leave();
        if (error === undefined) resolve();
        else reject(this.#noEndpoint(request, error));
      };
      const abort = () => {
        leave();
        if (signal !== undefined) reject(abortError(signal, request));
      };
      this.#waiting.push(waiter);
      signal?.addEventListener?.('abort', abort);
      if (signal?.aborted) abort();
    });
  }

  #noEndpoint(request: Request, cause: Error): PillionError {
    const message = `${this.#context.client}: no endpoint is known: ${cause.message}.`;
    return new PillionError(ErrorCode.NO_ENDPOINT, message, request, { cause });
  }

  /** What `usable` was worked out from has changed. */
  touch(): void {
    this.#holdsUntil = 0;
  }

  /** Those that may get the next request; never empty where there are any. */
  usable(now: number): readonly Host[] {
    if (now >= this.#holdsUntil) this.#sort(now);
    return this.#usable;
  }

  /** The harmonic mean of what is known of some, which few that are very slow do not move; worked out anew after 10 ms. */
  typicalLatency(now: number): number {
    if (now - this.#typicalAt < 10) return this.#typical;
    let sum = 0;
    let count = 0;
    for (const { load } of this.#usable) {
      const latency = load.latency(now);
      if (latency > 0) {
        sum += 1 / latency;
        count++;
      }
      if (count === someHosts) break;
    }
    this.#typical = count === 0 ? Number.POSITIVE_INFINITY : count / sum;
    this.#typicalAt = count === 0 ? Number.NEGATIVE_INFINITY : now;
    return this.#typical;
  }

  #sort(now: number): void {
    this.#welcome(now);
    const { zone, panicThresholdPercent } = this.#options;
    const usable = this.hosts.filter((host) => host.isUsable(now));
    const local = this.#local(zone, usable);
    this.panicking = usable.length === 0 || usable.length * 100 < this.hosts.length * panicThresholdPercent;
    this.#usable = this.panicking ? this.hosts : (local ?? usable);
    const [first] = this.#usable;
    const share = first?.share(now, this.#options.slowStart);
    this.even = this.#usable.every((host) => host.share(now, this.#options.slowStart) === share);
    const ends = this.hosts.flatMap(({ ejectedUntil, restsUntil }) => [ejectedUntil, restsUntil]);
    // What calls on an earlier configuration found out about these endpoints is seen after a second.
    this.#holdsUntil = Math.min(...ends.filter((end) => end > now), now + 1000);
  }

  /** Those of the client's own zone, while enough of them are usable. */
  #local(zone: string | undefined, usable: readonly Host[]): readonly Host[] | undefined {
    if (zone === undefined) return undefined;
    const local = usable.filter((host) => host.zone === zone);
    const all = this.hosts.filter((host) => host.zone === zone).length;
    return local.length > 0 && local.length * 100 >= all * this.#options.panicThresholdPercent ? local : undefined;
  }

  /** Those whose ejection has ended begin slowly again. */
  #welcome(now: number): void {
    for (const host of this.hosts) {
      if (host.ejectedUntil === 0 || host.ejectedUntil > now) continue;
      host.ejectedUntil = 0;
      host.since = now;
      const { client, events } = this.#context;
      events.emit('endpoint.returned', { client, endpoint: host.address });
    }
  }

  #replace(list: readonly DiscoveredEndpoint[]): void {
    this.#lookups.succeeded++;
    const now = performance.now();
    const since = this.#known ? now : Number.NEGATIVE_INFINITY;
    const before = new Map(this.hosts.map((host) => [host.address, host]));
    const unique = new Map(list.map((each) => [each.address, each]));
    this.hosts = [...unique.values()].map((each) => sameOr(before.get(each.address), each, since));
    const added = this.hosts.filter(({ address }) => !before.has(address)).map(({ address }) => address);
    const removed = [...before.keys()].filter((address) => !unique.has(address));
    this.#known = this.hosts.length > 0;
    this.touch();
    const { client, events } = this.#context;
    if (added.length > 0 || removed.length > 0) events.emit('endpoints.changed', { client, added, removed });
    this.#tell();
  }

  #failed(error: Error): void {
    this.#lookups.failed++;
    this.#lookups.lastError = error.message;
    this.#context.events.emit('endpoints.lookup_failed', { client: this.#context.client, message: error.message });
    if (this.hosts.length === 0) this.#tell(error);
  }

  #tell(error?: Error): void {
    for (const waiter of this.#waiting) waiter(error);
  }

  stats() {
    const now = performance.now();
    this.usable(now);
    const { succeeded, failed, lastError } = this.#lookups;
    return {
      panicking: this.panicking,
      lookups: { succeeded, failed, ...(lastError !== undefined && { lastError }) },
      endpoints: this.hosts.map((host) => ({
        address: host.address,
        ...(host.zone !== undefined && { zone: host.zone }),
        weight: host.weight,
        state: host.state(now),
        pending: host.load.pending,
        latencyMs: Math.round(host.load.latency(now) * 100) / 100,
        successRate: Math.round(host.load.successRate(now) * 1000) / 1000,
      })),
    };
  }
}

/** The same object where nothing changed: requests under way know it. */
function sameOr(before: Host | undefined, found: DiscoveredEndpoint, since: number): Host {
  const same = before !== undefined && before.weight === (found.weight ?? 1) && before.zone === found.zone;
  return same ? before : new Host(found, since, before);
}
