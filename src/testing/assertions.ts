/** Asserts what was sent, and explains a miss. No test runner is needed. */
import { isDeepStrictEqual } from 'node:util';
import type { RecordedRequest } from './recorded.js';

/** A transport of this module, or a client that has one. */
export type RequestSource =
  | { readonly requests: readonly RecordedRequest[] }
  | { readonly transport: { readonly requests: readonly RecordedRequest[] } };

/** What a request has to have; what is not named may be anything. */
export interface RequestPattern {
  /** In any case. */
  method?: string;
  /** Path without query: the same text, or a pattern. */
  path?: string | RegExp;
  /** These parameters, among others perhaps. */
  query?: Readonly<Record<string, string | RegExp>>;
  /** These headers, their names in any case. */
  headers?: Readonly<Record<string, string | RegExp>>;
  /** Objects need to have these fields, at any depth; lists and all else have to be equal. */
  body?: unknown;
  /** Number of the attempt within its call, from 1. */
  attempt?: number;
}

/** Throws an Error where no request was like this, or not `times` of them. It shows what came nearest and where it differs. */
export function assertRequested(source: RequestSource, pattern: RequestPattern, times?: number): void {
  const { pass, explain } = lookFor(source, pattern, times);
  if (!pass) throw new Error(explain());
}

/** Throws an Error that shows the request, where one was like this. */
export function assertNotRequested(source: RequestSource, pattern: RequestPattern): void {
  const found = requestsOf(source).filter((request) => differences(request, pattern).length === 0);
  if (found.length > 0) throw new Error(`Expected no request like ${shown(pattern)}, and there was:\n${list(found)}`);
}

/** Whether it was sent, and the words for why not. */
export function lookFor(source: RequestSource, pattern: RequestPattern, times?: number) {
  const requests = requestsOf(source);
  const count = requests.filter((request) => differences(request, pattern).length === 0).length;
  const pass = times === undefined ? count > 0 : count === times;
  return { pass, count, requests, explain: () => explanation(requests, pattern, count, times) };
}

function requestsOf(source: RequestSource): readonly RecordedRequest[] {
  return 'transport' in source ? source.transport.requests : source.requests;
}

function explanation(
  requests: readonly RecordedRequest[],
  pattern: RequestPattern,
  count: number,
  times?: number,
): string {
  const wanted = times === undefined ? 'a request' : `${times} request${times === 1 ? '' : 's'}`;
  const head = `Expected ${wanted} like ${shown(pattern)}, and there ${count === 1 ? 'was' : 'were'} ${count}.`;
  if (requests.length === 0) return `${head} Nothing was sent at all.`;
  const near = count === 0 ? `\n${nearest(requests, pattern)}` : '';
  return `${head}${near}\nSent:\n${list(requests)}`;
}

function nearest(requests: readonly RecordedRequest[], pattern: RequestPattern): string {
  const ranked = requests.map((request) => ({ request, lines: differences(request, pattern) }));
  const [best] = ranked.sort((a, b) => distance(a.lines) - distance(b.lines));
  return `Nearest was ${line(best?.request as RecordedRequest)}, but\n${best?.lines.map((each) => `  ${each}`).join('\n')}`;
}

/** What goes to another path or by another method is further off than anything else. */
function distance(lines: readonly string[]): number {
  const far = lines.filter((each) => /^(path|method) /.test(each)).length;
  return lines.length + 10 * far;
}

/** One line for each part that is not as it should be. */
export function differences(request: RecordedRequest, pattern: RequestPattern): string[] {
  const { method, path, query = {}, headers = {}, body, attempt } = pattern;
  const wrong: string[] = [];
  const compare = (part: string, wanted: unknown, is: unknown) => {
    if (!fits(wanted, is)) wrong.push(`${part} is ${shown(is)}, not ${shown(wanted)}`);
  };
  if (method !== undefined) compare('method', method.toUpperCase(), request.method);
  if (path !== undefined) compare('path', path, request.path);
  for (const [name, value] of Object.entries(query)) compare(`query ${name}`, value, request.query[name]);
  for (const [name, value] of Object.entries(headers))
    compare(`header ${name}`, value, request.headers[name.toLowerCase()]);
  if ('body' in pattern) wrong.push(...bodyDifferences(body, request.body, 'body'));
  if (attempt !== undefined) compare('attempt', attempt, request.attempt);
  return wrong;
}

function fits(wanted: unknown, is: unknown): boolean {
  if (wanted instanceof RegExp) return typeof is === 'string' && is.search(wanted) >= 0;
  return isDeepStrictEqual(wanted, is);
}

function bodyDifferences(wanted: unknown, is: unknown, at: string): string[] {
  if (!isPlain(wanted) || !isPlain(is)) return fits(wanted, is) ? [] : [`${at} is ${shown(is)}, not ${shown(wanted)}`];
  return Object.entries(wanted).flatMap(([name, value]) => bodyDifferences(value, is[name], `${at}.${name}`));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function list(requests: readonly RecordedRequest[]): string {
  const first = requests.slice(0, 20).map((request) => `  ${line(request)}`);
  return [...first, ...(requests.length > 20 ? [`  … ${requests.length - 20} more`] : [])].join('\n');
}

function line({ method, url, attempt, body }: RecordedRequest): string {
  const { pathname, search } = new URL(url);
  return `${method} ${pathname}${search} (attempt ${attempt})${body === undefined ? '' : ` ${shown(body)}`}`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value instanceof RegExp) return String(value);
  const text = JSON.stringify(value, (_, inner) => (inner instanceof RegExp ? String(inner) : inner)) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
