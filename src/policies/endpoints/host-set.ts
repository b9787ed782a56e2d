/** The endpoints of a client: the list from its discovery, and which of them are usable now. */
import { isError } from '../../call/conceal.js';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { harmless } from '../../call/harmless.js';
import type { Request } from '../../call/message.js';
import { Queue } from '../../call/queue.js';
import { waitUnlessAborted } from '../../call/wait.js';
import { hashOf } from '../hash.js';
import type { PolicyContext } from '../policy.js';
import type { Discovery } from './discovery.js';
import { type DiscoveredEndpoint, type EndpointState, Host } from './host.js';
import {
  areGraded,
  type Level,
  type LevelRules,
  levelsOf,
  onlyShare,
  type Share,
  sharesOf,
} from './priority-levels.js';
import { Roster } from './roster.js';

export interface HostSetOptions {
  /** Zone of the client, whose endpoints are preferred. */
  readonly zone: string | undefined;
  /** Percentage of usable endpoints below which all endpoints are used. */
  readonly panicThresholdPercent: number;
  readonly slowStart: number;
  /** How much more traffic the usable endpoints of a priority can bear than their own share. */
  readonly overprovisioningFactor: number;
}

/** Number of endpoints that the typical latency is computed from. */
const someHosts = 32;

const nothing = () => {};

type Waiter = (error?: Error) => void;

export class HostSet {
  hosts: readonly Host[] = [];
  /** True where fewer endpoints are usable than `panicThresholdPercent` requires, so that all of them are used. */
  panicking = false;
  /** True where all usable endpoints have the same share of the traffic. */
  even = true;
  readonly #options: HostSetOptions;
  readonly #discovery: Discovery | undefined;
  readonly #context: PolicyContext;
  /** The endpoints by priority. */
  #levels: readonly Level[];
  /** The endpoints that get traffic now, at least one share. */
  #shares: readonly Share[] = [];
  /** Made when it is first needed. */
  #all: Roster | undefined;
  #allRest = false;
  /** `performance.now()` until which the shares are valid. */
  #holdsUntil = 0;
  /** Endpoints that have answered, of which the typical latency is computed. */
  readonly #answered = new Set<Host>();
  #typical = Number.POSITIVE_INFINITY;
  #typicalAt = Number.NEGATIVE_INFINITY;
  #stop: (() => void) | undefined;
  #known = false;
  readonly #waiting = new Queue<Waiter>();
  /** Failed lookups since the last that went well; undefined where that was the last one. */
  #failing: { failures: number; readonly since: number } | undefined;
  readonly #lookups = { succeeded: 0, failed: 0, lastError: undefined as string | undefined };

  /** `before` is the set that this one replaces: its endpoints are used until the discovery reports a list. */
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
    this.#levels = levelsOf(this.hosts, options.zone);
    this.#known = this.hosts.length > 0;
    this.#failing = before === undefined ? undefined : before.#failing;
    this.#recall();
  }

  /** Looks among the present endpoints for some that have answered before. */
  #recall(): void {
    this.#answered.clear();
    for (const host of this.hosts) {
      if (host.load.known) this.#answered.add(host);
      if (this.#answered.size === someHosts) return;
    }
  }

  /** Starts the discovery on the first call only. A discovery that throws counts as a failed lookup. */
  start(): void {
    if (this.#stop !== undefined || this.#discovery === undefined) return;
    // Set before `watch`, which may call `update` before it returns the function that stops it.
    this.#stop = nothing;
    try {
      const stop = this.#discovery.watch(
        (list) => this.#replace(list),
        (error) => this.#failed(error),
      );
      if (typeof stop === 'function') this.#stop = stop;
    } catch (error) {
      this.#failed(isError(error) ? error : new Error(String(error)));
    }
  }

  close(): void {
    const stop = this.#stop;
    // A late call of `start` must not start the discovery again.
    this.#stop = nothing;
    if (stop !== undefined) harmless(stop);
  }

  /**
   * Resolves once endpoints are known; only the first requests of a client ever wait.
   * @throws PillionError `ERR_NO_ENDPOINT` where the lookup failed or the list is empty
   */
  ready(request: Request): Promise<void> {
    if (this.#lookups.succeeded > 0)
      return Promise.reject(this.#noEndpoint(request, new Error('the discovery returned an empty list')));
    return waitUnlessAborted(request, (end) => {
      const place = this.#waiting.add((error) => end(error && this.#noEndpoint(request, error)));
      return () => this.#waiting.remove(place);
    });
  }

  #noEndpoint(request: Request, cause: Error): PillionError {
    const message = `${this.#context.client}: no endpoint is known (${cause.message}); check the endpoints section, or deps.discovery.`;
    return new PillionError(ErrorCode.NO_ENDPOINT, message, request, { cause });
  }

  /** Makes `usable` recompute, after the state of an endpoint has changed. */
  touch(): void {
    this.#holdsUntil = 0;
  }

  /** The endpoints that may get the next attempt. With priorities they are drawn, by `key` where there is one. */
  share(now: number, key?: string): Share {
    if (now >= this.#holdsUntil) this.#sort(now);
    const shares = this.#shares;
    const [first] = shares as readonly [Share];
    if (shares.length === 1) return first;
    const drawn = key === undefined ? this.#context.random() : hashOf(key) / 0x1_0000_0000;
    return shares.find(({ upTo }) => drawn * 100 < upTo) ?? first;
  }

  /** All endpoints as one list; where there are priorities, in none of the shares. */
  get all(): Roster {
    this.#all ??= new Roster(this.hosts);
    return this.#all;
  }

  /** True where the circuit of each endpoint is known to be open. */
  allRest(now: number): boolean {
    if (now >= this.#holdsUntil) this.#sort(now);
    return this.#allRest;
  }

  /** Notes that an endpoint has a latency now. */
  answered(host: Host): void {
    const some = this.#answered;
    if (some.has(host)) return;
    some.add(host);
    if (some.size > someHosts) some.delete(some.values().next().value as Host);
  }

  /**
   * Harmonic mean of the latencies of up to 32 endpoints, which a few very slow ones hardly change; recomputed after 10
   * ms.
   */
  typicalLatency(now: number): number {
    if (now - this.#typicalAt < 10) return this.#typical;
    let sum = 0;
    let count = 0;
    for (const host of this.#answered) {
      const latency = host.load.latency(now);
      if (latency > 0 && (this.panicking || host.isUsable(now))) {
        sum += 1 / latency;
        count++;
      }
    }
    this.#typical = count === 0 ? Number.POSITIVE_INFINITY : count / sum;
    this.#typicalAt = count === 0 ? Number.NEGATIVE_INFINITY : now;
    return this.#typical;
  }

  #sort(now: number): void {
    this.#welcome(now);
    const [first] = this.#levels as readonly [Level];
    const { overprovisioningFactor: factor, panicThresholdPercent, slowStart } = this.#options;
    const isTooFew = (usable: number, all: number) => usable === 0 || usable * 100 < all * panicThresholdPercent;
    const rules: LevelRules = { factor, isTooFew };
    if (areGraded(this.#levels)) {
      const { shares, panicking } = sharesOf(this.#levels, now, rules);
      this.#shares = shares;
      this.panicking = panicking;
    } else {
      const { share, panicking } = onlyShare(first, now, rules);
      this.#shares = [share];
      this.panicking = panicking;
    }
    this.even = areEven(this.#shares, now, slowStart);
    this.#allRest = true;
    // At most a second: calls on an earlier configuration may change the state of these endpoints without a `touch`.
    this.#holdsUntil = now + 1000;
    for (const { ejectedUntil, restsUntil } of this.hosts) {
      if (restsUntil <= now) this.#allRest = false;
      if (ejectedUntil > now && ejectedUntil < this.#holdsUntil) this.#holdsUntil = ejectedUntil;
      if (restsUntil > now && restsUntil < this.#holdsUntil) this.#holdsUntil = restsUntil;
    }
  }

  /** Returns endpoints whose ejection has ended to use, with slow start. */
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
    this.#levels = levelsOf(this.hosts, this.#options.zone);
    this.#all = undefined;
    this.#recall();
    const added = this.hosts.filter(({ address }) => !before.has(address)).map(({ address }) => address);
    const removed = [...before.keys()].filter((address) => !unique.has(address));
    this.#known = this.hosts.length > 0;
    this.touch();
    const { client, events } = this.#context;
    const initial = this.#lookups.succeeded === 1 && before.size === 0 && { initial: true as const };
    if (added.length > 0 || removed.length > 0)
      events.emit('endpoints.changed', { client, added, removed, ...initial });
    if (this.#failing !== undefined) {
      const { failures, since: failingSince } = this.#failing;
      this.#failing = undefined;
      const failingForMs = Math.round(now - failingSince);
      events.emit('endpoints.lookup_recovered', { client, failures, failingForMs });
    }
    this.#tell();
  }

  #failed(error: Error): void {
    this.#lookups.failed++;
    this.#lookups.lastError = error.message;
    this.#failing ??= { failures: 0, since: performance.now() };
    const failures = ++this.#failing.failures;
    const { client, events } = this.#context;
    events.emit('endpoints.lookup_failed', { client, message: error.message, failures });
    if (this.hosts.length === 0) this.#tell(error);
  }

  #tell(error?: Error): void {
    for (const waiter of this.#waiting.takeAll()) waiter(error);
  }

  stats(): BalanceStats {
    const now = performance.now();
    this.share(now);
    const { succeeded, failed, lastError } = this.#lookups;
    return {
      panicking: this.panicking,
      lookups: { succeeded, failed, ...(lastError !== undefined && { lastError }) },
      endpoints: this.hosts.map((host) => ({
        address: host.address,
        ...(host.zone !== undefined && { zone: host.zone }),
        ...(host.priority > 0 && { priority: host.priority }),
        weight: host.weight,
        state: host.state(now),
        pending: host.load.pending,
        latencyMs: Math.round(host.load.latency(now) * 100) / 100,
        successRate: Math.round(host.load.successRate(now) * 1000) / 1000,
      })),
    };
  }
}

/** True where all of these endpoints have the same share of the traffic. */
function areEven(shares: readonly Share[], now: number, slowStart: number): boolean {
  let common: number | undefined;
  for (const { roster, isWhole } of shares)
    for (const host of roster.hosts) {
      if (!isWhole && !host.isUsable(now)) continue;
      const share = host.share(now, slowStart);
      common ??= share;
      if (share !== common) return false;
    }
  return true;
}

/** Keeps the same object for an unchanged endpoint, because requests in flight update it. */
function sameOr(before: Host | undefined, found: DiscoveredEndpoint, since: number): Host {
  return before?.is(found) ? before : new Host(found, since, before);
}

/** The endpoints of a client. */
export interface BalanceStats {
  /** Fewer endpoints are usable than `panicThresholdPercent`, so all are used. */
  readonly panicking: boolean;
  readonly lookups: { readonly succeeded: number; readonly failed: number; readonly lastError?: string };
  readonly endpoints: readonly EndpointStats[];
}

export interface EndpointStats {
  /** `host:port`. */
  readonly address: string;
  readonly zone?: string;
  /** Left out where it is 0. */
  readonly priority?: number;
  readonly weight: number;
  readonly state: EndpointState;
  /** Attempts in flight. */
  readonly pending: number;
  /** Milliseconds: a decaying peak. */
  readonly latencyMs: number;
  /** From 0 to 1. */
  readonly successRate: number;
}
