/** Reads which requests an Envoy route matches, and how it rewrites their path and Host header. */
import { isPlain } from '../call/own.js';
import { type Draft, escaped, plain, type Reader } from './reader.js';

/** The requests of a route. */
export interface RouteMatch {
  /** The `match` of a route of a client; undefined for all requests, null where it cannot be written as one. */
  readonly match: Readonly<Record<string, unknown>> | undefined | null;
  /** A regular expression for the part of the path that `prefix_rewrite` replaces. */
  readonly rewritten: string;
  readonly reader: Reader | undefined;
}

/** Reads the conditions of a route. The lines about them are added once it is known whether the client has others. */
export function readMatch(route: Reader): RouteMatch {
  const reader = route.get('match');
  if (reader === undefined) return { match: undefined, rewritten: '^/', reader };
  reader.structure();
  const ignoresCase = reader.get('case_sensitive')?.structure().boolean() === false;
  const path = readPath(reader, ignoresCase);
  const headers = readHeaderMatches(reader);
  const others = Object.keys(reader.value as object).filter((name) => !known.has(name));
  const complete = path !== undefined && headers !== undefined && others.length === 0;
  const all = { ...(path?.match && { path: path.match }), ...headers };
  const match = complete ? (Object.keys(all).length > 0 ? all : undefined) : null;
  return { match, rewritten: path?.rewritten ?? '^.*$', reader };
}

const known = new Set([
  ...['prefix', 'path', 'safe_regex', 'path_separated_prefix', 'case_sensitive', 'headers', 'runtime_fraction'],
  ...['safeRegex', 'pathSeparatedPrefix', 'caseSensitive', 'runtimeFraction'],
]);

interface PathMatch {
  readonly match?: { readonly prefix: string } | { readonly exact: string } | { readonly regex: string };
  readonly rewritten: string;
}

function readPath(match: Reader, ignoresCase: boolean): PathMatch | undefined {
  const literal = (text: string) => literalOf(text, ignoresCase);
  const prefix = match.get('prefix')?.text();
  if (prefix !== undefined) {
    const rewritten = `^${literal(plain(prefix))}`;
    if (prefix === '/' || prefix === '') return { rewritten };
    if (!prefix.startsWith('/')) return undefined;
    return { rewritten, match: ignoresCase ? { regex: rewritten } : { prefix } };
  }
  const exact = match.get('path')?.text();
  if (exact !== undefined) {
    if (!exact.startsWith('/')) return undefined;
    const regex = `^${literal(plain(exact))}$`;
    return { rewritten: regex, match: ignoresCase ? { regex } : { exact } };
  }
  const separated = match.get('path_separated_prefix')?.text();
  if (separated !== undefined) {
    const regex = `^${literal(plain(separated))}(?=/|$)`;
    return { rewritten: regex, match: { regex } };
  }
  const expression = match.get('safe_regex')?.get('regex')?.text();
  const regex = expression === undefined ? undefined : javaScriptOf(plain(expression));
  return regex === undefined ? undefined : { rewritten: '^.*$', match: { regex: escaped(`^(?:${regex})$`) } };
}

/** The literal text as part of a regular expression. */
function literalOf(text: string, ignoresCase: boolean): string {
  const escaped = text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  if (!ignoresCase) return escaped;
  return escaped.replace(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
}

/**
 * An expression of RE2 as one of JavaScript, without flags; undefined for what JavaScript does not have or reads
 * differently.
 */
function javaScriptOf(expression: string): string | undefined {
  if (/\(\?[a-zA-Z-]+[:)]|\\[AzQEpPCa]|\[\[:|\(\?P[=>]/.test(expression)) return undefined;
  const regex = expression.replaceAll('(?P<', '(?<');
  try {
    return new RegExp(regex).source === '' ? undefined : regex;
  } catch {
    return undefined;
  }
}

/** Conditions on the method and on whole values of headers; undefined for any other condition. */
function readHeaderMatches(match: Reader): { methods?: string[]; headers?: Record<string, string> } | undefined {
  const headers: Record<string, string> = {};
  let methods: string[] | undefined;
  for (const each of match.list('headers')) {
    const name = each.get('name')?.text()?.toLowerCase() ?? '';
    const matcher = each.get('string_match');
    const exact = (matcher ?? each).get(matcher === undefined ? 'exact_match' : 'exact')?.text();
    const keys = [each, matcher].flatMap((part) => (isPlain(part?.value) ? Object.keys(part.value) : []));
    const simple = keys.every((key) => /^(name|string_?match|exact|exact_?match)$/i.test(key));
    if (exact === undefined || !simple || (name.startsWith(':') && name !== ':method')) return undefined;
    if (name === ':method') methods = [exact];
    else headers[name] = exact;
  }
  return { ...(methods && { methods }), ...(Object.keys(headers).length > 0 && { headers }) };
}

/** The `pathRewrite` of a route, and the lines about its Host header. */
export function readRewrites(
  action: Reader,
  { rewritten }: RouteMatch,
  draft: Draft,
): Record<string, string> | undefined {
  action.get('append_x_forwarded_host')?.unmapped('x-forwarded-host is not sent: set it in headers');
  action.get('path_rewrite_policy')?.unmapped('the caller has to use the path that the server expects');
  const prefix = action.get('prefix_rewrite');
  const expression = action.get('regex_rewrite');
  const text = prefix?.text();
  if (prefix !== undefined && text) {
    prefix.exact(draft, 'pathRewrite');
    return { [rewritten]: escaped(replacementOf(plain(text))) };
  }
  prefix?.structure();
  return expression && readRegexRewrite(expression, draft);
}

/** `\1` of RE2 is `$1` in JavaScript. */
function readRegexRewrite(rewrite: Reader, draft: Draft): Record<string, string> | undefined {
  const pattern = rewrite.structure().get('pattern')?.structure();
  const regex = javaScriptOf(plain(pattern?.get('regex')?.structure().text() ?? ''));
  const substitution = rewrite.get('substitution')?.structure().text() ?? '';
  if (regex === undefined || regex === '') {
    rewrite.unmapped('JavaScript reads this regular expression differently: write it into pathRewrite of the client');
    return undefined;
  }
  rewrite.exact(draft, 'pathRewrite');
  const text = replacementOf(plain(substitution)).replace(/\\(\d|\\)/g, (_, what: string) =>
    what === '\\' ? '\\' : what === '0' ? '$&' : `$${what}`,
  );
  return { [regex]: escaped(text) };
}

/** The text as a replacement of JavaScript, in which a dollar sign is written twice. */
function replacementOf(text: string): string {
  return text.replaceAll('$', '$$$$');
}
