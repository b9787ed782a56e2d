/** Spreads traffic over priorities of endpoints by their health, as Envoy does. */
import type { Host } from './host.js';
import { Roster } from './roster.js';

/** Endpoints of one priority that their source judges alike. */
interface Part {
  readonly all: Roster;
  /** Those in the client's own zone; undefined where it has none. */
  readonly local: Roster | undefined;
}

/** The endpoints of one priority. */
export interface Level {
  readonly all: Roster;
  readonly healthy: Part;
  readonly degraded: Part;
  /** The number of endpoints that the usable ones are compared with. */
  readonly counted: number;
  /** Likewise in the client's own zone. */
  readonly ofZone: number;
}

/** Endpoints that get a part of the traffic. */
export interface Share {
  readonly roster: Roster;
  /** True where all of them get traffic: each is usable, or too few are. */
  readonly isWhole: boolean;
  /** The percentage of the traffic that these and the shares before them get. */
  readonly upTo: number;
}

export interface LevelRules {
  /** How much more traffic the usable endpoints of a level can bear than their own share. */
  readonly factor: number;
  isTooFew(usable: number, all: number): boolean;
}

/** The endpoints by priority, the first one first; at least one level. */
export function levelsOf(hosts: readonly Host[], zone: string | undefined): Level[] {
  const levels = new Map<number, Host[]>();
  for (const host of hosts) {
    const level = levels.get(host.priority);
    if (level === undefined) levels.set(host.priority, [host]);
    else level.push(host);
  }
  if (levels.size === 0) levels.set(0, []);
  return [...levels].sort(([a], [b]) => a - b).map(([, all]) => levelOf(all, zone));
}

function levelOf(hosts: readonly Host[], zone: string | undefined): Level {
  const all = new Roster(hosts);
  const part = (health: string): Part => {
    const some = hosts.filter((host) => host.health === health);
    const local = zone === undefined ? undefined : new Roster(some.filter((host) => host.zone === zone));
    // Where all are alike, which is the rule, one list is enough.
    return { all: some.length === hosts.length ? all : new Roster(some), local };
  };
  return {
    all,
    healthy: part('healthy'),
    degraded: part('degraded'),
    counted: hosts.filter(({ health }) => health !== 'draining').length,
    ofZone: hosts.filter((host) => host.zone === zone).length,
  };
}

/** False where all endpoints are of one priority, and none is degraded or draining. */
export function areGraded([level, ...others]: readonly Level[]): boolean {
  return (
    others.length > 0 ||
    (level !== undefined && (level.degraded.all.hosts.length > 0 || level.counted < level.all.hosts.length))
  );
}

/** All of the traffic for the endpoints of one priority: to the usable ones, or to all where too few are usable. */
export function onlyShare(level: Level, now: number, rules: LevelRules): { share: Share; panicking: boolean } {
  const panicking = rules.isTooFew(level.healthy.all.usable(now), level.counted);
  const share = panicking ? { roster: level.all, isWhole: true } : nearest(level.healthy, level, now, rules);
  return { share: { ...share, upTo: 100 }, panicking };
}

/**
 * A level gets the share of its usable endpoints times the factor, and what is left goes on: first to the healthy
 * endpoints of the next levels, then to degraded ones. If all of that is below 100 %, it is scaled up, and a level with
 * too few usable endpoints uses all of its endpoints. Returns at least one share.
 */
export function sharesOf(
  levels: readonly Level[],
  now: number,
  rules: LevelRules,
): { shares: Share[]; panicking: boolean } {
  const found = levels.map((level) => {
    const [healthy, degraded] = [level.healthy.all.usable(now), level.degraded.all.usable(now)];
    return { level, healthy, degraded, panics: rules.isTooFew(healthy + degraded, level.counted) };
  });
  const ranked = (['healthy', 'degraded'] as const).flatMap((health) =>
    found.map(({ level, panics, [health]: usable }) => {
      const bears = Math.min(100, Math.floor((Math.round(rules.factor * 100) * usable) / (level.counted || 1)));
      return { level, part: level[health], panics, bears };
    }),
  );
  const total = Math.min(100, sum(ranked.map(({ bears }) => bears)));
  const panicking = total < 100 && found.some(({ panics }) => panics);
  let upTo = 0;
  if (total === 0 || (panicking && found.every(({ panics }) => panics))) {
    // Weights count within a level only.
    const percent = 100 / sum(levels.map(({ all }) => all.hosts.length));
    const shares = levels.map(({ all }) => {
      upTo += percent * all.hosts.length;
      return { roster: all, isWhole: true, upTo };
    });
    return { shares, panicking };
  }
  const shares = ranked.flatMap(({ level, part, panics, bears }): Share[] => {
    const percent = Math.min(100 - upTo, Math.floor((bears * 100) / total));
    upTo += percent;
    if (percent === 0) return [];
    if (panicking && panics) return [{ roster: level.all, isWhole: true, upTo }];
    return [{ ...nearest(part, level, now, rules), upTo }];
  });
  return { shares, panicking };
}

/** The endpoints of the client's own zone; all of the part where too few of the zone are usable. */
function nearest({ all, local }: Part, { ofZone }: Level, now: number, rules: LevelRules): Omit<Share, 'upTo'> {
  const roster = local === undefined || rules.isTooFew(local.usable(now), ofZone) ? all : local;
  const usable = roster.usable(now);
  // Of a list in which hardly one is usable, that one would be drawn too late.
  if (usable * 8 < roster.hosts.length)
    return { roster: new Roster(roster.hosts.filter((host) => host.isUsable(now))), isWhole: true };
  return { roster, isWhole: usable === roster.hosts.length };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
