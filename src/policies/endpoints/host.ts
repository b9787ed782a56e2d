/** One endpoint of a client, with all that is known of it. */
import type { Endpoint } from '../../call/record.js';
import { Load } from './load.js';

/** An endpoint as a `Discovery` tells of it. */
export interface DiscoveredEndpoint {
  /** `host:port`, an IPv6 address in brackets. */
  readonly address: string;
  /** Share of the traffic, relative to the others; 1 by default. */
  readonly weight?: number | undefined;
  /** Where it is, for `balance.zone`. */
  readonly zone?: string | undefined;
}

export class Host implements Endpoint {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly zone: string | undefined;
  readonly load: Load;
  /** When it came (back), for slow start; -Infinity for those that were there from the start. */
  since: number;
  /** `performance.now()` until which outlier detection leaves it out; 0: it does not. */
  ejectedUntil = 0;
  /** `performance.now()` until which its circuit is open. */
  restsUntil = 0;
  /** Who found it unwell, of those that check its health. */
  unhealthyBy: object | undefined;
  /** For round robin. */
  turn = 0;

  /** `before` is what was known of the same address. */
  constructor({ address, weight = 1, zone }: DiscoveredEndpoint, since: number, before?: Host) {
    const colon = address.lastIndexOf(':');
    this.address = address;
    this.host = address.slice(0, colon).replace(/^\[|\]$/g, '');
    this.port = Number(address.slice(colon + 1));
    this.weight = weight;
    this.zone = zone;
    this.load = before?.load ?? new Load();
    this.since = before?.since ?? since;
    if (before !== undefined) {
      this.ejectedUntil = before.ejectedUntil;
      this.restsUntil = before.restsUntil;
      this.unhealthyBy = before.unhealthyBy;
    }
  }

  isUsable(now: number): boolean {
    return this.unhealthyBy === undefined && this.ejectedUntil <= now && this.restsUntil <= now;
  }

  /** Its weight, from a tenth upwards while it starts slowly. */
  share(now: number, slowStart: number): number {
    const age = now - this.since;
    return age >= slowStart ? this.weight : this.weight * Math.max(0.1, age / slowStart);
  }

  state(now: number): 'usable' | 'ejected' | 'circuit_open' | 'unhealthy' {
    if (this.unhealthyBy !== undefined) return 'unhealthy';
    if (this.ejectedUntil > now) return 'ejected';
    return this.restsUntil > now ? 'circuit_open' : 'usable';
  }
}
