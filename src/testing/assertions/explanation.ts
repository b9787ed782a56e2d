/** Why an assertion does not hold, in words that show no secret. */
import { inWords, nearestOf } from '../masking/differences.js';
import { isForm } from '../masking/form.js';
import { Mask } from '../masking/masking.js';
import type { RecordedRequest } from '../mock/recorded.js';
import { differencesFrom, matchingOf, type RequestPattern, shownField } from './request-pattern.js';

const mask = new Mask();

/** What was wanted, and what there was. */
export interface Miss {
  readonly wanted: string;
  readonly were: string;
  /** It was not wanted. */
  readonly negated?: boolean | undefined;
}

/** What was wanted, what came nearest and where it differs, and what was sent. */
export function explanation(
  { wanted, were, negated = false }: Miss,
  requests: readonly RecordedRequest[],
  pattern: RequestPattern,
): string {
  const head = `${negated ? 'Did not expect' : 'Expected'} ${wanted}, and ${were}.`;
  if (requests.length === 0) return `${head} Nothing was sent at all.`;
  const missed = matchingOf(requests, pattern).length === 0 && !negated;
  return `${head}${missed ? `\n${nearest(requests, pattern)}` : ''}\nSent:\n${list(requests)}`;
}

function nearest(requests: readonly RecordedRequest[], pattern: RequestPattern): string {
  const near = nearestOf(requests, (request) => differencesFrom(request, pattern));
  if (near === undefined) return '';
  return `Nearest was ${line(near.each)}, but\n${near.lines.map((each) => `  ${each}`).join('\n')}`;
}

/** One line for each request. */
export function list(requests: readonly RecordedRequest[]): string {
  const first = requests.slice(0, 20).map((request) => `  ${line(request)}`);
  return [...first, ...(requests.length > 20 ? [`  … ${requests.length - 20} more`] : [])].join('\n');
}

function line({ method, url, attempt, body, headers }: RecordedRequest): string {
  const { pathname, search } = new URL(mask.url(url));
  const text = isForm(body, headers['content-type']) ? inWords(mask.form(body)) : shownField(body);
  return `${method} ${pathname}${search} (attempt ${attempt})${body === undefined ? '' : ` ${text}`}`;
}

/** The pattern as it was written. */
export function shownPattern({ headers, query, ...rest }: RequestPattern): string {
  const parts = {
    ...rest,
    ...(query && { query: mapped(query, (name, value) => mask.json(value, mask.tells(name, 'parameter'))) }),
    ...(headers && { headers: mapped(headers, maskedHeader) }),
  };
  return inWords(mask.json(parts));
}

function maskedHeader(name: string, value: unknown): unknown {
  return typeof value === 'string' ? mask.header(name, value) : value;
}

function mapped(values: Readonly<Record<string, unknown>>, by: (name: string, value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, by(name, value)]));
}
