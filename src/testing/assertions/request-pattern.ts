/** What a request is compared with. */
import { ErrorCode, PillionError } from '../../call/errors.js';
import { type Comparison, differencesOf, fits, inWords, isPlain } from '../masking/differences.js';
import { isForm } from '../masking/form.js';
import { Mask } from '../masking/masking.js';
import type { RecordedRequest } from '../mock/recorded.js';

/** A transport of this module, or a client that has one. */
export type RequestSource =
  | { readonly requests: readonly RecordedRequest[] }
  | { readonly transport: { readonly requests: readonly RecordedRequest[] } };

/** What a request has to have; what is not named may be anything. A value may be a matcher such as `expect.any(String)`. */
export interface RequestPattern {
  /** In any case. */
  method?: string;
  /** Path without query: the same text, or a pattern. */
  path?: string | RegExp;
  /** These parameters, among others perhaps: a text, a list where there are several of the name, `undefined` for none. */
  query?: Readonly<Record<string, unknown>>;
  /** These headers, their names in any case: a text, a pattern, `undefined` for none. */
  headers?: Readonly<Record<string, unknown>>;
  /** Objects need to have these fields, at any depth, lists as many elements; of a form its fields. */
  body?: unknown;
  /** Number of the attempt within its call, from 1. */
  attempt?: number;
}

/** @throws PillionError `ERR_CONFIG` for anything that keeps no requests, such as a client over another wire */
export function requestsOf(source: RequestSource): readonly RecordedRequest[] {
  const { requests, transport } = (source ?? {}) as Partial<Record<'requests' | 'transport', unknown>>;
  const found = requests ?? (transport as { requests?: unknown } | undefined)?.requests;
  if (Array.isArray(found)) return found;
  const message =
    'Bad source of requests: expected what createTestClient, createMockTransport or createFixtureTransport gave.';
  throw new PillionError(ErrorCode.CONFIG, message);
}

/** Those that are like the pattern. */
export function matchingOf(requests: readonly RecordedRequest[], pattern: RequestPattern): RecordedRequest[] {
  return requests.filter((request) => differencesFrom(request, pattern).length === 0);
}

/** One line for each part that is not as it should be. */
export function differencesFrom(request: RecordedRequest, pattern: RequestPattern): string[] {
  const { method, path, query = {}, headers = {}, body, attempt } = pattern;
  const parameters = parametersOf(new URL(request.url).searchParams);
  return [
    ...(method === undefined ? [] : compare(method.toUpperCase(), request.method, 'method')),
    ...(path === undefined ? [] : compare(path, request.path, 'path')),
    ...Object.entries(query).flatMap(([name, wanted]) =>
      compare(textOf(wanted), parameters[name], `query ${name}`, (value) => shownParameter(name, value)),
    ),
    ...Object.entries(headers).flatMap(([name, wanted]) =>
      compare(textOf(wanted), request.headers[name.toLowerCase()], `header ${name}`, (value) =>
        shownHeader(name, value),
      ),
    ),
    ...('body' in pattern ? compare(body, bodyOf(request, body), 'body') : []),
    ...(attempt === undefined ? [] : compare(attempt, request.attempt, 'attempt')),
  ];
}

function compare(wanted: unknown, is: unknown, at: string, show: Comparison['show'] = shownField): string[] {
  return differencesOf(wanted, is, at, { exact: false, fits, show });
}

/** `page: 2` is sent as text. */
function textOf(wanted: unknown): unknown {
  if (Array.isArray(wanted)) return wanted.map(textOf);
  return typeof wanted === 'number' || typeof wanted === 'boolean' ? String(wanted) : wanted;
}

function bodyOf({ body, headers }: RecordedRequest, wanted: unknown): unknown {
  if (!isPlain(wanted)) return body;
  if (body instanceof FormData) return parametersOf(body);
  return isForm(body, headers['content-type']) ? parametersOf(new URLSearchParams(body)) : body;
}

/** One value as it is, several as a list. */
function parametersOf(pairs: Iterable<[string, unknown]>): Record<string, unknown> {
  const found: Record<string, unknown[]> = Object.create(null);
  for (const [name, value] of pairs) {
    found[name] ??= [];
    found[name].push(value);
  }
  return Object.fromEntries(Object.entries(found).map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
}

const mask = new Mask();

/** In words, without secrets: of what stands below a telling name, too. */
export function shownField(value: unknown, within: readonly string[] = []): string {
  const isSecret = within.some((name) => mask.tells(name, 'field'));
  return inWords(mask.json(value, isSecret));
}

function shownParameter(name: string, value: unknown): string {
  return inWords(mask.json(value, mask.tells(name, 'parameter')));
}

function shownHeader(name: string, value: unknown): string {
  return inWords(typeof value === 'string' ? mask.header(name, value) : value);
}
