/** Which recorded exchange answers a request, and what to say where none does. */
import { type Comparison, differencesOf, fits, inWords, nearestOf } from './differences.js';
import type { Exchange } from './fixture-file.js';
import { isForm } from './form.js';
import { masked } from './masking.js';
import { plainName } from './secret-names.js';

/** What requests are compared by beyond method, path, query and body, and what not. */
export interface MatchOptions {
  /** Names of request headers that have to be the same too; none by default. */
  matchHeaders?: readonly string[];
  /** Names of query parameters and body fields that may differ, such as `nonce`; case and separators do not count. */
  ignore?: readonly string[];
}

/** Recorded exchanges, each of which answers once. */
export class Recorded {
  readonly #all: readonly Exchange[];
  readonly #left: Set<Exchange>;
  readonly #origins: ReadonlySet<string>;
  readonly #headers: readonly string[];
  readonly #ignored: ReadonlySet<string>;

  constructor(exchanges: readonly Exchange[], { matchHeaders = [], ignore = [] }: MatchOptions) {
    this.#all = exchanges;
    this.#left = new Set(exchanges);
    this.#origins = new Set(exchanges.map(({ request }) => new URL(request.url).origin));
    this.#headers = matchHeaders.map((name) => name.toLowerCase());
    this.#ignored = new Set(ignore.map(plainName));
  }

  /** The first that has not answered yet; it has then. */
  take(asked: Exchange['request']): Exchange | undefined {
    const known = this.#origins.has(new URL(asked.url).origin);
    for (const each of this.#left) {
      if (this.#differences(each.request, asked, known).length > 0) continue;
      this.#left.delete(each);
      return each;
    }
    return undefined;
  }

  /** What was never asked for. */
  get left(): string[] {
    return [...this.#left].map(({ request }) => this.#nameOf(request));
  }

  /** Why nothing answers this request. */
  explain(asked: Exchange['request'], file: string): string {
    const known = this.#origins.has(new URL(asked.url).origin);
    const near = nearestOf(this.#all, ({ request }) => this.#differences(request, asked, known));
    const head = `${file} has no answer for ${this.#nameOf(asked)}.`;
    if (near === undefined) return `${head} It is empty. Record it anew with mode: 'record'.`;
    const lines = near.lines.map((line) => `  ${line}`).join('\n');
    const why = near.lines.length === 0 ? 'was recorded as often as it has answered now' : `differs:\n${lines}`;
    const list = this.#all.map((each) => `  ${this.#nameOf(each.request)}${this.#left.has(each) ? '' : ' (used up)'}`);
    return `${head}\nThe nearest, ${this.#nameOf(near.each.request)}, ${why}\nIt has:\n${list.join('\n')}\nRecord it anew with mode: 'record'.`;
  }

  /** By any host, as long as the file does not know the one that is asked for. */
  #differences(known: Exchange['request'], asked: Exchange['request'], byOrigin: boolean): string[] {
    const [wanted, is] = [this.#parts(known, byOrigin), this.#parts(asked, byOrigin)];
    // What could be read once only was not compared when it was recorded either.
    if (known.unread !== undefined || asked.unread !== undefined) delete wanted.body;
    const names = new Set([...Object.keys(wanted), ...(known.unread === undefined ? Object.keys(is) : [])]);
    return [...names].flatMap((name) => differencesOf(wanted[name], is[name], name, comparison));
  }

  #parts(request: Exchange['request'], byOrigin: boolean): Record<string, unknown> {
    const { origin, pathname, search } = new URL(request.url);
    const { json, text, base64, form, headers } = request;
    const body =
      this.#kept(json) ?? (isForm(text, headers['content-type']) ? this.#pairs(text) : text) ?? base64 ?? form;
    return {
      ...(byOrigin && { origin }),
      method: request.method,
      path: pathname,
      query: this.#pairs(search),
      headers: Object.fromEntries(this.#headers.map((name) => [name, headers[name]])),
      ...(body !== undefined && { body }),
    };
  }

  /** With its host where there are several. */
  #nameOf({ method, url }: Exchange['request']): string {
    const { origin, pathname, search } = new URL(url);
    return `${method} ${this.#origins.size > 1 ? origin : ''}${pathname}${search}`;
  }

  #pairs(text: string): Record<string, string[]> {
    const pairs: Record<string, string[]> = Object.create(null);
    for (const [name, value] of new URLSearchParams(text)) {
      if (this.#ignored.has(plainName(name))) continue;
      pairs[name] ??= [];
      pairs[name].push(value);
    }
    return pairs;
  }

  #kept(value: unknown): unknown {
    if (this.#ignored.size === 0 || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.#kept(each));
    const entries = Object.entries(value).filter(([name]) => !this.#ignored.has(plainName(name)));
    return Object.fromEntries(entries.map(([name, inner]) => [name, this.#kept(inner)]));
  }
}

const comparison: Comparison = { exact: true, fits: fitsMasked, show: inWords };

/** What is masked in the file may be anything. */
function fitsMasked(wanted: unknown, is: unknown): boolean {
  if (typeof wanted !== 'string' || typeof is !== 'string' || !wanted.includes(masked)) return fits(wanted, is);
  const parts = wanted.split(masked);
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (is.length < first.length + last.length || !is.startsWith(first) || !is.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    at = is.indexOf(part, at) + part.length;
    if (at < part.length) return false;
  }
  return at <= is.length - last.length;
}
