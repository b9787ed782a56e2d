/** Spreads traffic over priorities of endpoints by their health, as Envoy does. */
import type { Host } from './host.js';

/** The endpoints of one priority. */
export type Level = readonly Host[];

/** Endpoints that get a part of the traffic. */
export interface Share {
  readonly hosts: readonly Host[];
  /** The percentage of the traffic that these and the shares before them get. */
  readonly upTo: number;
}

interface Rules {
  /** How much more traffic the usable endpoints of a level can bear than their own share. */
  readonly factor: number;
  isTooFew(usable: Level, all: Level): boolean;
  /** The endpoints to prefer among the usable ones. */
  nearest(usable: Level, all: Level): Level;
}

/** The endpoints by priority, the first one first; undefined where all are of one priority, and none is degraded
 * or draining. */
export function levelsOf(hosts: readonly Host[]): Level[] | undefined {
  const numbers = [...new Set(hosts.map(({ priority }) => priority))].sort((a, b) => a - b);
  if (numbers.length < 2 && hosts.every(({ health }) => health === 'healthy' || health === 'unhealthy'))
    return undefined;
  return numbers.map((number) => hosts.filter(({ priority }) => priority === number));
}

/**
 * A level gets the share of its usable endpoints times the factor, and what is left goes on: first to the healthy
 * endpoints of the next levels, then to degraded ones. If all of that is below 100 %, it is scaled up, and a level with
 * too few usable endpoints uses all of its endpoints. Returns at least one share.
 */
export function sharesOf(levels: readonly Level[], now: number, rules: Rules): { shares: Share[]; panicking: boolean } {
  const found = levels.map((all) => {
    const usable = all.filter((host) => host.isUsable(now));
    const counted = all.filter(({ health }) => health !== 'draining');
    return { all, usable, counted, panics: rules.isTooFew(usable, counted) };
  });
  const ranked = [false, true].flatMap((degraded) =>
    found.map(({ all, usable, counted, panics }) => {
      const part = usable.filter(({ health }) => (health === 'degraded') === degraded);
      const bears = Math.min(100, Math.floor((Math.round(rules.factor * 100) * part.length) / (counted.length || 1)));
      return { all, part, panics, bears };
    }),
  );
  const total = Math.min(100, sum(ranked.map(({ bears }) => bears)));
  const panicking = total < 100 && found.some(({ panics }) => panics);
  let upTo = 0;
  if (total === 0 || (panicking && found.every(({ panics }) => panics))) {
    // Weights count within a level only.
    const percent = 100 / sum(levels.map(({ length }) => length));
    const shares = levels.map((hosts) => {
      upTo += percent * hosts.length;
      return { hosts, upTo };
    });
    return { shares, panicking };
  }
  const shares = ranked.flatMap(({ all, part, panics, bears }) => {
    const percent = Math.min(100 - upTo, Math.floor((bears * 100) / total));
    upTo += percent;
    return percent === 0 ? [] : [{ hosts: panicking && panics ? all : rules.nearest(part, all), upTo }];
  });
  return { shares, panicking };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
