/** One endpoint of a client, with its state: health, ejection, load and weight. */
import type { Endpoint } from '../../call/record.js';
import { Load } from './load.js';

/** An endpoint as a `Discovery` reports it. */
export interface DiscoveredEndpoint {
  /** `host:port`, an IPv6 address in brackets. */
  readonly address: string;
  /** Share of the traffic, relative to the others; 1 by default. */
  readonly weight?: number | undefined;
  /** Zone of the endpoint, compared with `balance.zone`. */
  readonly zone?: string | undefined;
  /** Endpoints of a higher number get traffic only while too few of the lower ones are usable; 0 by default. */
  readonly priority?: number | undefined;
  /** As the source of the endpoints judges it: `healthy` by default. */
  readonly health?: EndpointHealth | undefined;
  /** Name for SNI and for the check of its certificate; by default that of the client. */
  readonly serverName?: string | undefined;
}

/** How a source of endpoints judges one of them. */
export type EndpointHealth = 'healthy' | 'degraded' | 'unhealthy' | 'draining';

/** Whether an endpoint may be used, and why not. */
export type EndpointState = 'usable' | 'ejected' | 'circuit_open' | 'unhealthy';

export class Host implements Endpoint {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly zone: string | undefined;
  readonly priority: number;
  readonly health: EndpointHealth;
  readonly serverName: string | undefined;
  readonly load: Load;
  /**
   * `performance.now()` when the endpoint appeared or returned, for slow start; -Infinity for those of the first list.
   */
  since: number;
  /** `performance.now()` until which outlier detection ejects the endpoint; 0: not ejected. */
  ejectedUntil = 0;
  /** `performance.now()` until which the endpoint's circuit is open, so that it gets no attempts. */
  restsUntil = 0;
  /** The health checker that marked the endpoint unhealthy; undefined: healthy. */
  unhealthyBy: object | undefined;
  /** Current weight of smooth weighted round robin, which chooses among few endpoints. */
  turn = 0;
  /** When its next turn is, where there are many endpoints, on a clock that only turns move; undefined before the first. */
  dueAt: number | undefined;

  /** `before` is the earlier object for the same address, whose state is inherited. */
  constructor(found: DiscoveredEndpoint, since: number, before?: Host) {
    const { address } = found;
    const colon = address.lastIndexOf(':');
    this.address = address;
    this.host = address.slice(0, colon).replace(/^\[|\]$/g, '');
    this.port = Number(address.slice(colon + 1));
    this.weight = found.weight ?? 1;
    this.zone = found.zone;
    this.priority = found.priority ?? 0;
    this.health = found.health ?? 'healthy';
    this.serverName = found.serverName;
    this.load = before?.load ?? new Load();
    this.since = before?.since ?? since;
    this.dueAt = before?.dueAt;
    if (before !== undefined) {
      this.ejectedUntil = before.ejectedUntil;
      this.restsUntil = before.restsUntil;
      this.unhealthyBy = before.unhealthyBy;
    }
  }

  /** True for an endpoint that `found` describes too, so that it stays the same object. */
  is(found: DiscoveredEndpoint): boolean {
    return (
      this.weight === (found.weight ?? 1) &&
      this.zone === found.zone &&
      this.priority === (found.priority ?? 0) &&
      this.health === (found.health ?? 'healthy') &&
      this.serverName === found.serverName
    );
  }

  isUsable(now: number): boolean {
    return !this.#isUnhealthy() && this.ejectedUntil <= now && this.restsUntil <= now;
  }

  #isUnhealthy(): boolean {
    return this.unhealthyBy !== undefined || this.health === 'unhealthy' || this.health === 'draining';
  }

  /** The weight in force: during slow start it grows from a tenth to the full weight. */
  share(now: number, slowStart: number): number {
    const age = now - this.since;
    return age >= slowStart ? this.weight : this.weight * Math.max(0.1, age / slowStart);
  }

  state(now: number): EndpointState {
    if (this.#isUnhealthy()) return 'unhealthy';
    if (this.ejectedUntil > now) return 'ejected';
    return this.restsUntil > now ? 'circuit_open' : 'usable';
  }
}
