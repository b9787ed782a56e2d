/** Makes the options of one client from several routes that call the same cluster. */
import { isDeepStrictEqual } from 'node:util';

type Options = Readonly<Record<string, unknown>>;

/** A route that a client is made of: its condition, and the options of a client that had only this route. */
export interface Part {
  readonly match: Options | undefined;
  readonly options: Options;
  /** An answer in place of the options. */
  readonly direct?: Options | undefined;
}

/** The options of a client that an entry of `routes` can override. */
const ofRoutes = ['timeouts', 'retry', 'pathRewrite', 'requestHeaders'];

/** True where two routes differ at most in options that an entry of `routes` can have. */
export function fitTogether(one: Options, other: Options): boolean {
  return isDeepStrictEqual(withoutRouteOptions(one), withoutRouteOptions(other));
}

function withoutRouteOptions(options: Options): Options {
  const rest = Object.entries(options).filter(([name]) => !ofRoutes.includes(name));
  return { ...Object.fromEntries(rest), connect: (options.timeouts as Options | undefined)?.connect };
}

/** What became of a part of the client. */
export interface Place {
  /** The index of its entry in `routes`, if it has one. */
  readonly entry?: number;
  /** True where its options are those of the client. */
  readonly isClient?: boolean;
  /** True where a part before it matches every call. */
  readonly isUnreachable?: boolean;
}

/**
 * The options of the client: those of the last route, and an entry of `routes` for each route before it with other options,
 * in their order.
 */
export function merged(all: readonly Part[]): { options: Options; places: Place[] } {
  const everything = all.findIndex(({ match }) => match === undefined);
  const parts = everything < 0 ? all : all.slice(0, everything + 1);
  const last = (parts.findLast(({ direct }) => direct === undefined) ?? all[0]) as Part;
  const base = withRetries(last.options, parts);
  const entries = parts.map(({ match, options, direct }) => ({
    ...(match && { match }),
    ...(direct === undefined ? overrides(options, base) : { directResponse: direct }),
  }));
  const kept: Options[] = [];
  const places: Place[] = all.map(() => ({ isUnreachable: true }));
  for (let index = parts.length - 1; index >= 0; index--) {
    const entry = entries[index] as Options;
    const isClient = Object.keys(entry).every((name) => name === 'match');
    const isNeeded = !isClient || kept.some((other) => overlap(entry.match, other.match));
    if (isNeeded) kept.unshift(entry);
    places[index] = { isClient, ...(isNeeded && { entry: -kept.length }) };
  }
  const { baseURL, ...others } = base;
  return {
    options: kept.length === 0 ? base : { baseURL, routes: kept, ...others },
    places: places.map((place) => (place.entry === undefined ? place : { ...place, entry: kept.length + place.entry })),
  };
}

/** False where no call can match both conditions, because their paths begin differently. */
function overlap(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other].map((match) => {
    const path = (match as { path?: Record<string, string> } | undefined)?.path;
    return { start: path?.prefix ?? path?.exact ?? '', whole: path?.exact !== undefined };
  }) as [Start, Start];
  return (
    (a.start.startsWith(b.start) && (!b.whole || a.start === b.start)) || (b.start.startsWith(a.start) && !a.whole)
  );
}

interface Start {
  readonly start: string;
  readonly whole: boolean;
}

/** A client that retries nothing keeps the caps on retries that its routes share. */
function withRetries(base: Options, before: readonly Part[]): Options {
  const retrying = before.find(({ options, direct }) => direct === undefined && options.retry)?.options.retry;
  return base.retry || !retrying ? base : { ...base, retry: { ...(retrying as Options), on: [] } };
}

/** The options of a route that differ from those of the client. */
function overrides(own: Options, base: Options): Options {
  const [limits, standard] = [own.timeouts, base.timeouts] as Options[];
  const timeouts = ['total', 'attempt', 'idle'].filter((name) => limits?.[name] !== standard?.[name]);
  return {
    ...(timeouts.length > 0 && {
      timeouts: Object.fromEntries(timeouts.map((name) => [name, limits?.[name] ?? false])),
    }),
    ...retryOf(own, base),
    ...Object.fromEntries(
      ['pathRewrite', 'requestHeaders']
        .filter((name) => !isDeepStrictEqual(own[name], base[name]))
        .map((name) => [name, own[name] ?? false]),
    ),
  };
}

function retryOf({ retry }: Options, base: Options): Options {
  if (isDeepStrictEqual(retry, base.retry)) return {};
  if (!retry) return (base.retry as { on?: unknown[] }).on?.length === 0 ? {} : { retry: false };
  const { maxRetries, on, backoff } = retry as Options;
  return { retry: { maxRetries, on, backoff } };
}
