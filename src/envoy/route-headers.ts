/** Maps the headers that Envoy's routes, virtual hosts and route configurations add and remove. */
import { isDeepStrictEqual } from 'node:util';
import type { Caller } from './caller.js';
import type { ClusterPart } from './cluster.js';
import { readHeaderName, readLevel } from './header-mutation.js';
import {
  type HeaderLevel,
  type HeaderMutation,
  type HeaderOptions,
  type HeaderOutcome,
  mutated,
  optionsOf,
  untouched,
  whatever,
} from './header-outcome.js';
import type { Draft, Reader } from './reader.js';

/** The headers of a target, which replace those of the call, and the names of those that it does not get. */
export interface TargetHeaders {
  readonly reader: Reader;
  readonly headers: Record<string, string>;
  readonly removeHeaders: string[];
}

export interface HeaderLevels {
  /** The clusters of a weighted route. Envoy makes their changes before those of the levels, in either order. */
  readonly targets: readonly TargetHeaders[];
  /** The route, its virtual host and its route configuration. */
  readonly levels: readonly [Reader, Reader, Reader];
  readonly caller: Caller;
  /** The Host header that the route sets. */
  readonly host: string | undefined;
}

/** The sections `headers` and `requestHeaders` of a route; the headers of its targets are added to these. */
export function readHeaders({ targets, levels, caller, host }: HeaderLevels, draft: Draft) {
  const [, , config] = levels;
  const specificWins = config.get('most_specific_header_mutations_wins')?.structure().boolean() === true;
  const made = new Map([...caller.made, ...readInternalOnly(config, caller, draft)]);
  const inOrder = levels.map((level) => readLevel(level, draft));
  const outer = specificWins ? inOrder.reverse() : inOrder;
  const inner = targets.map(({ reader }) => readLevel(reader, draft));
  const written: [string, HeaderOptions][] = host === undefined ? [] : [['host', { set: host }]];
  const all = [...caller.filters, ...outer, ...inner];
  for (const name of new Set([...made.keys(), ...all.flatMap((level) => [...level.keys()])])) {
    const start = made.get(name) ?? untouched;
    const mutations =
      inner.length > 0 ? all.flatMap((level) => level.get(name) ?? []) : needed(name, start, all, draft);
    const [options, ...others] = (inner.length > 0 ? inner : [undefined]).map((level) =>
      optionsOf(mutated(name, start, [...caller.filters, ...(level === undefined ? [] : [level]), ...outer])),
    );
    if (others.every((each) => isDeepStrictEqual(each, options))) {
      if (options !== undefined) written.push([name, options]);
      tell(mutations, draft, options && sectionOf(options));
    } else {
      const differ = [options, ...others].map((each, at) => giveTarget(targets[at], name, each));
      tell(
        mutations,
        draft,
        'split',
        differ.find((note) => note !== undefined),
      );
    }
  }
  return sectionsOf(written);
}

/** The changes of a header without which it would be another; the others get a line. */
function needed(name: string, start: HeaderOutcome, levels: readonly HeaderLevel[], draft: Draft): HeaderMutation[] {
  const own = levels.map((level) => level.get(name) ?? []);
  const outcome = (kept: readonly (readonly HeaderMutation[])[]) =>
    mutated(
      name,
      start,
      kept.map((mutations) => new Map([[name, mutations]])),
    );
  let kept = own;
  for (const each of own.flat()) {
    const fewer = kept.map((mutations) => mutations.filter((other) => other !== each));
    if (!isDeepStrictEqual(outcome(fewer), outcome(kept))) continue;
    kept = fewer;
    each.reader.unused(draft, 'another change decides what becomes of this header');
  }
  return kept.flat();
}

/** Adds a header to a target; returns what differs. */
function giveTarget(target: TargetHeaders | undefined, name: string, options: HeaderOptions | undefined) {
  const { otherwise, remove, replace, set, add = [] } = options ?? { replace: '' };
  if (remove) target?.removeHeaders.push(name);
  const values = [otherwise, set, ...add].filter((value) => value !== undefined);
  if (target !== undefined && values.length > 0) target.headers[name] = values.join(', ');
  if (replace !== undefined) return 'the header is left as the call sets it, because a target has no such condition';
  if (otherwise !== undefined || (set === undefined && add.length > 0))
    return 'it replaces the value that a call sets itself; Envoy keeps that';
  return values.length > 1 ? 'the values are sent as one line' : undefined;
}

/** Adds a header that changes only for one target, with lines about it. */
export function giveTo(
  target: TargetHeaders,
  name: string,
  levels: readonly HeaderLevel[],
  draft: Draft,
  option: string,
): void {
  const differ = giveTarget(target, name, optionsOf(mutated(name, untouched, levels)));
  const mutations = levels.flatMap((level) => level.get(name) ?? []);
  tell(mutations, draft, option, differ);
}

function tell(mutations: readonly HeaderMutation[], draft: Draft, option: string | undefined, note?: string): void {
  for (const { reader } of mutations) {
    if (option === undefined)
      reader.unmapped('its effect depends on whether the call sets this header: set it in a perCall policy');
    else if (note === undefined) reader.exact(draft, option);
    else reader.differs(draft, option, note);
  }
}

function sectionOf({ otherwise, ...changes }: HeaderOptions): string {
  const [change] = Object.keys(changes);
  return change === undefined && otherwise !== undefined ? 'headers' : `requestHeaders${change ? `.${change}` : ''}`;
}

function sectionsOf(written: readonly (readonly [string, HeaderOptions])[]): Record<string, unknown> {
  const pick = (option: keyof HeaderOptions) =>
    written.flatMap(([name, { [option]: value }]) => (value === undefined ? [] : [[name, value] as const]));
  const added = pick('add').map(([name, values]) => [
    name,
    (values as string[]).length > 1 ? values : (values as string[])[0],
  ]);
  const requestHeaders = filled({
    remove: pick('remove').map(([name]) => name),
    replace: Object.fromEntries(pick('replace')),
    set: Object.fromEntries(pick('set')),
    add: Object.fromEntries(added),
  });
  return filled({ headers: Object.fromEntries(pick('otherwise')), requestHeaders });
}

function filled(parts: Record<string, object>): Record<string, object> {
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0));
}

/** The headers that only internal callers may send. */
function readInternalOnly(config: Reader, { trusted }: Caller, draft: Draft): [string, HeaderOutcome][] {
  return config.list('internal_only_headers').flatMap((reader) => {
    const name = readHeaderName(reader);
    if (name === undefined) return [];
    if (trusted) reader.unused(draft, 'the service is an internal caller, which may send it');
    else reader.exact(draft, 'requestHeaders.remove');
    return trusted ? [] : [[name, whatever([])]];
  });
}

/** The Host header that the route sets for all its calls; that of a weighted cluster is added to its target. */
export function readHost(
  action: Reader,
  targets: readonly TargetHeaders[],
  cluster: ClusterPart | undefined,
  draft: Draft,
): string | undefined {
  for (const { reader, headers } of targets) {
    const own = reader.get('host_rewrite_literal');
    const host = own?.text();
    if (host) headers.host = host;
    own?.exact(draft, 'split');
  }
  const literal = action.get('host_rewrite_literal');
  literal?.exact(draft, 'requestHeaders.set');
  // In v2 a plain name, today one that may have operators.
  const named = action.get('host_rewrite');
  const plain = named?.text()?.includes('%') === false;
  if (plain) named.exact(draft, 'requestHeaders.set');
  else named?.unmapped('set a host header on each call, or requestHeaders.set.host for all of them');
  const host = literal?.text() ?? (plain ? named?.text() : undefined);
  for (const name of ['host_rewrite_header', 'host_rewrite_path_regex'])
    action.get(name)?.whole().unmapped('set a host header on each call, or requestHeaders.set.host for all of them');
  const auto = action.get('auto_host_rewrite');
  if (auto?.boolean() !== true) {
    auto?.structure();
    return host || undefined;
  }
  // Envoy sends the name of the endpoint, without a port.
  const [name, ...more] = cluster?.names ?? [];
  if (name === undefined || more.length > 0) {
    auto.differs(draft, 'baseURL', 'the Host header is that of baseURL, whichever endpoint gets the call');
    return undefined;
  }
  auto.exact(draft, 'requestHeaders.set');
  return URL.canParse(cluster?.baseURL ?? '') && new URL(cluster?.baseURL ?? '').host === name ? undefined : name;
}
