/** Writes the message of a failed assertion, with secrets masked. */
import { nearestOf, valueInWords } from '../masking/differences.js';
import { isForm } from '../masking/form.js';
import { Mask } from '../masking/masking.js';
import type { RecordedRequest } from '../mock/recorded.js';
import { differencesFrom, matchingOf, type RequestPattern, shownField } from './request-pattern.js';

const mask = new Mask();

/** A failed assertion: the expected and the actual requests, in words. */
export interface Miss {
  readonly wanted: string;
  readonly were: string;
  /** True when the assertion was negated, so that a match is the failure. */
  readonly negated?: boolean | undefined;
}

/** The message: expected and actual, the nearest request with its differences, and all sent requests. */
export function explanation(
  { wanted, were, negated = false }: Miss,
  requests: readonly RecordedRequest[],
  pattern: RequestPattern,
): string {
  const head = `${negated ? 'Did not expect' : 'Expected'} ${wanted}, but ${were}.`;
  if (requests.length === 0) return `${head} No request was sent.`;
  const missed = matchingOf(requests, pattern).length === 0 && !negated;
  return `${head}${missed ? `\n${nearest(requests, pattern)}` : ''}\nSent:\n${list(requests)}`;
}

function nearest(requests: readonly RecordedRequest[], pattern: RequestPattern): string {
  const near = nearestOf(requests, (request) => differencesFrom(request, pattern));
  if (near === undefined) return '';
  return `The nearest was ${line(near.each)}, but\n${near.lines.map((each) => `  ${each}`).join('\n')}`;
}

/** One line for each request, up to 20. */
export function list(requests: readonly RecordedRequest[]): string {
  const first = requests.slice(0, 20).map((request) => `  ${line(request)}`);
  return [...first, ...(requests.length > 20 ? [`  … ${requests.length - 20} more`] : [])].join('\n');
}

function line({ method, url, attempt, body, headers }: RecordedRequest): string {
  const { pathname, search } = new URL(mask.url(url));
  const text = isForm(body, headers['content-type']) ? valueInWords(mask.form(body)) : shownField(body);
  return `${method} ${pathname}${search} (attempt ${attempt})${body === undefined ? '' : ` ${text}`}`;
}

/** The pattern in words, with secrets masked. */
export function shownPattern({ headers, query, ...rest }: RequestPattern): string {
  const parts = {
    ...rest,
    ...(query && { query: mapped(query, (name, value) => mask.json(value, mask.tells(name, 'parameter'))) }),
    ...(headers && { headers: mapped(headers, maskedHeader) }),
  };
  return valueInWords(mask.json(parts));
}

function maskedHeader(name: string, value: unknown): unknown {
  return typeof value === 'string' ? mask.header(name, value) : value;
}

function mapped(values: Readonly<Record<string, unknown>>, by: (name: string, value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, by(name, value)]));
}
