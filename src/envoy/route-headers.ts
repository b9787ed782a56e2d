/** Maps the headers that Envoy's routes, virtual hosts and route configurations add and remove. */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { plainHost } from '../call/url.js';
import type { Caller } from './caller.js';
import {
  type HeaderLevel,
  type HeaderMutation,
  type HeaderOptions,
  type HeaderOutcome,
  headerActions,
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
  const all = [...outer, ...inner];
  for (const name of new Set([...made.keys(), ...all.flatMap((level) => [...level.keys()])])) {
    const start = made.get(name) ?? untouched;
    const mutations = all.flatMap((level) => level.get(name) ?? []);
    const [options, ...others] = (inner.length > 0 ? inner : [undefined]).map((level) =>
      optionsOf(mutated(name, start, level === undefined ? outer : [level, ...outer])),
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
    const name = nameOf(reader);
    if (name === undefined) return [];
    reader.exact(draft, 'requestHeaders.remove', trusted ? 'the service is an internal caller' : undefined);
    return trusted ? [] : [[name, whatever([])]];
  });
}

/** The changes of one part of the file, and lines about its other headers. */
function readLevel(level: Reader, draft: Draft): HeaderLevel {
  const mutations = new Map<string, HeaderMutation[]>();
  const put = (found: [string, HeaderMutation] | undefined) => {
    if (found !== undefined) mutations.set(found[0], [...(mutations.get(found[0]) ?? []), found[1]]);
  };
  for (const name of level.list('request_headers_to_remove')) put(readRemoval(name));
  for (const added of level.list('request_headers_to_add')) put(readAddition(added, draft));
  for (const name of ['response_headers_to_add', 'response_headers_to_remove'])
    level.get(name)?.unmapped('change response headers in an axios interceptor');
  return mutations;
}

export function readRemoval(reader: Reader): [string, HeaderMutation] | undefined {
  const name = nameOf(reader);
  return name === undefined ? undefined : [name, { action: 'REMOVE', value: '', reader }];
}

/** A header that a level adds, by its lower-case name; undefined where it does not, or cannot here. */
export function readAddition(added: Reader, draft: Draft): [string, HeaderMutation] | undefined {
  const header = added.structure().get('header')?.structure();
  const key = header?.get('key');
  const name = key && nameOf(key);
  const append = added.get('append')?.structure();
  const kept = added.get('keep_empty_value')?.structure().boolean() === true;
  const named = added.get('append_action')?.structure();
  if (append !== undefined && named !== undefined)
    return added.fault('append and append_action are both set, which Envoy refuses');
  const given = named === undefined ? headerActions[append?.boolean() === false ? 2 : 0] : named.enum(headerActions);
  const action = given ?? 'APPEND_IF_EXISTS_OR_ADD';
  header?.get('raw_value')?.unmapped('Envoy does not send it in a header that a route adds: set value');
  const value = valueIn(header?.get('value'));
  if (name === undefined) return undefined;
  if (value === undefined)
    added.unmapped('there are no command operators such as %…%: set such a header in a perCall policy');
  else if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) added.unmapped('this is not a header that HTTP/1.1 can send');
  else if (value !== '' || kept) return [name, { action, value, reader: added }];
  else added.exact(draft, 'headers', 'an empty value is not sent without keep_empty_value');
  return undefined;
}

/** Headers of the connection and of the body, which the transport makes for each request. */
const ofTransport = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'transfer-encoding', 'upgrade']);

function nameOf(reader: Reader): string | undefined {
  const name = reader.structure().text()?.toLowerCase();
  if (name === undefined) return undefined;
  if (name === 'host' || name === '' || name.startsWith(':'))
    return reader.fault('Envoy refuses to change this header here: host_rewrite_literal sets the Host header');
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && !ofTransport.has(name)) return name;
  reader.unmapped(
    ofTransport.has(name)
      ? 'this header is made for each request by the transport'
      : 'this is not a header that HTTP/1.1 can send',
  );
  return undefined;
}

/** The value with `%%` as a percent sign, and its UTF-8 as the bytes that Envoy sends; undefined for an operator. */
function valueIn(value: Reader | undefined): string | undefined {
  const text = (value?.structure().text() ?? '').replaceAll('%%', '\0');
  if (text.includes('%')) return undefined;
  return Buffer.from(text.replaceAll('\0', '%'), 'utf8').toString('latin1');
}

/** The Host header that the route sets for all its calls; that of a weighted cluster is added to its target. */
export function readHost(action: Reader, targets: readonly TargetHeaders[], baseURL: string | undefined, draft: Draft) {
  for (const { reader, headers } of targets) {
    const own = reader.get('host_rewrite_literal');
    const host = own?.text();
    if (host) headers.host = host;
    own?.exact(draft, 'split');
  }
  const [literal, old] = [action.get('host_rewrite_literal'), action.get('host_rewrite')];
  for (const each of [literal, old]) each?.exact(draft, 'requestHeaders.set');
  const host = literal?.text() ?? old?.text();
  for (const name of ['host_rewrite_header', 'host_rewrite_path_regex'])
    action.get(name)?.whole().unmapped('set a host header on each call, or requestHeaders.set.host for all of them');
  const auto = action.get('auto_host_rewrite');
  if (auto?.boolean() !== true) {
    auto?.structure();
    return host || undefined;
  }
  // Envoy sends the name of the endpoint without its port.
  const url = baseURL !== undefined && URL.canParse(baseURL) ? new URL(baseURL) : undefined;
  const named = url !== undefined && isIP(plainHost(url)) === 0;
  if (named) auto.exact(draft, 'requestHeaders.set');
  else auto.differs(draft, 'baseURL', 'the Host header is that of baseURL');
  return named && url.port !== '' ? url.hostname : undefined;
}
