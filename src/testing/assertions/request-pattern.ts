/** The pattern of an assertion, and the comparison of requests with it. */
import { ErrorCode, PillionError } from '../../call/errors.js';
import { isPlain } from '../../call/own.js';
import { type Comparison, differencesOf, fits, valueInWords } from '../masking/differences.js';
import { isForm } from '../masking/form.js';
import { Mask } from '../masking/masking.js';
import type { RecordedRequest } from '../mock/recorded.js';

/** A mock or fixture transport, or a client with one. */
export type RequestSource =
  | { readonly requests: readonly RecordedRequest[] }
  | { readonly transport: { readonly requests: readonly RecordedRequest[] } };

/**
 * Conditions that a request has to meet; omitted fields match anything. A value may be a matcher such as
 * `expect.any(String)`.
 */
export interface RequestPattern {
  /** HTTP method, in upper or lower case. */
  method?: string;
  /** Path without query: the exact text or a regular expression. */
  path?: string | RegExp;
  /**
   * Query parameters; others may be present. A text, a list for several of the same name, `undefined` for an absent
   * one.
   */
  query?: Readonly<Record<string, unknown>>;
  /**
   * Headers, with names in any case; others may be present. A text, a regular expression, `undefined` for an absent
   * one.
   */
  headers?: Readonly<Record<string, unknown>>;
  /**
   * Body. Objects need at least these fields, at any depth; lists need as many elements. A form is compared as an
   * object.
   */
  body?: unknown;
  /** Number of the attempt within its call, from 1. */
  attempt?: number;
}

/** @throws PillionError `ERR_CONFIG` for an object that records no requests, such as a client with another transport */
export function requestsOf(source: RequestSource): readonly RecordedRequest[] {
  const { requests, transport } = (source ?? {}) as Partial<Record<'requests' | 'transport', unknown>>;
  const found = requests ?? (transport as { requests?: unknown } | undefined)?.requests;
  if (Array.isArray(found)) return found;
  const message =
    'Bad source of requests: expected a result of createTestClient, createMockTransport or createFixtureTransport.';
  throw new PillionError(ErrorCode.CONFIG, message);
}

/** The requests that match the pattern. */
export function matchingOf(requests: readonly RecordedRequest[], pattern: RequestPattern): RecordedRequest[] {
  return requests.filter((request) => differencesFrom(request, pattern).length === 0);
}

/** One line for each part of a request that differs from the pattern; empty if it matches. */
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

/** Numbers and booleans are compared as text, because `page: 2` is sent as text. */
function textOf(wanted: unknown): unknown {
  if (Array.isArray(wanted)) return wanted.map(textOf);
  return typeof wanted === 'number' || typeof wanted === 'boolean' ? String(wanted) : wanted;
}

function bodyOf({ body, headers }: RecordedRequest, wanted: unknown): unknown {
  if (!isPlain(wanted)) return body;
  if (body instanceof FormData) return parametersOf(body);
  return isForm(body, headers['content-type']) ? parametersOf(new URLSearchParams(body)) : body;
}

/** Values by name; several values of one name as a list. */
function parametersOf(pairs: Iterable<[string, unknown]>): Record<string, unknown> {
  const found: Record<string, unknown[]> = Object.create(null);
  for (const [name, value] of pairs) {
    found[name] ??= [];
    found[name].push(value);
  }
  return Object.fromEntries(Object.entries(found).map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
}

const mask = new Mask();

/** A value in words with secrets masked, also if an enclosing field has the name of a secret. */
export function shownField(value: unknown, within: readonly string[] = []): string {
  const isSecret = within.some((name) => mask.tells(name, 'field'));
  return valueInWords(mask.json(value, isSecret));
}

function shownParameter(name: string, value: unknown): string {
  return valueInWords(mask.json(value, mask.tells(name, 'parameter')));
}

function shownHeader(name: string, value: unknown): string {
  return valueInWords(typeof value === 'string' ? mask.header(name, value) : value);
}
