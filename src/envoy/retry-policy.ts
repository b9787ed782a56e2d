/** Maps Envoy's retry policy to the `retry` section. */
import { type Draft, longest, type Reader, spelledDuration } from './reader.js';

export interface RetryPart {
  readonly retry: false | Record<string, unknown>;
  /** `per_try_timeout` in milliseconds; undefined if it is not set. */
  readonly attempt: number | undefined;
  /** `per_try_idle_timeout` in milliseconds; undefined if it is not set. */
  readonly idle?: number | undefined;
  /** Their parts of the file: the lines on them depend on the timeout of the route. */
  readonly limit?: Reader | undefined;
}

/** Without a policy retries are off, because Envoy retries nothing by default. */
export function readRetry(policy: Reader | undefined, draft: Draft): RetryPart {
  if (policy === undefined) return { retry: false, attempt: undefined };
  policy.structure();
  const on = readConditions(policy, draft);
  const attempt = policy.get('per_try_timeout')?.structure();
  if (attempt === undefined && on.length > 0)
    policy.remark(
      draft,
      'timeouts.attempt',
      'per_try_timeout is not set: as in Envoy, one attempt may take the time of the whole call, so a hanging attempt is not retried',
    );
  readRest(policy, draft);
  const idle = policy.get('per_try_idle_timeout');
  idle?.exact(draft, 'timeouts.idle');
  const times = { attempt: attempt?.duration(), limit: attempt, idle: idle?.duration() };
  if (on.length === 0) {
    for (const name of ['num_retries', 'retry_back_off']) policy.get(name)?.unused(draft, 'nothing is retried');
    if (policy.get('retry_on') === undefined)
      policy.remark(draft, 'retry', 'without retry_on nothing is retried, as in Envoy');
    return { retry: false, ...times };
  }
  return {
    retry: { maxRetries: readCount(policy, draft), on, backoff: readBackoff(policy, draft) },
    ...times,
  };
}

/** Words of `retry_on` with the same meaning here. */
const same = ['5xx', 'gateway-error', 'reset', 'connect-failure', 'refused-stream', 'retriable-4xx'];

const others = new Map<string, readonly [string | undefined, string]>(
  Object.entries({
    'envoy-ratelimited': [
      'rate-limited',
      'rate-limited matches a 429 or 503 with Retry-After instead of x-envoy-ratelimited',
    ],
    'reset-before-request': ['connect-failure', 'connect-failure covers requests that were provably not sent'],
    'retriable-status-codes': [undefined, 'the statuses are listed themselves'],
  }),
);

function readConditions(policy: Reader, draft: Draft): (string | number)[] {
  const retryOn = policy.get('retry_on');
  const words = (retryOn?.text() ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
  const on: (string | number)[] = words.filter((word) => same.includes(word));
  const notes: string[] = [];
  for (const word of words.filter((each) => !same.includes(each))) {
    const [mapped, note] = others.get(word) ?? [undefined, `"${word}" has no counterpart`];
    if (mapped !== undefined && !on.includes(mapped)) on.push(mapped);
    notes.push(note);
  }
  on.push(...readStatuses(policy, draft, words.includes('retriable-status-codes')));
  if (retryOn === undefined) return on;
  if (on.length === 0)
    retryOn.differs(
      draft,
      'retry',
      ['none of these conditions exists here, so nothing is retried', ...notes].join('; '),
    );
  else {
    const idempotent =
      'only calls that are safe to repeat are retried: GET, HEAD, OPTIONS, PUT, DELETE, calls with an idempotencyKey, and requests that were provably not sent';
    retryOn.differs(draft, 'retry.on', [...notes, idempotent].join('; '));
    if (!isLimitedToSafeMethods(policy))
      retryOn.warn('POST requests were retried: Envoy retries every method, so a payment could be made twice');
  }
  return on;
}

function readStatuses(policy: Reader, draft: Draft, asked: boolean): number[] {
  const codes = policy.get('retriable_status_codes');
  if (codes === undefined) return [];
  if (!asked) {
    codes.unused(draft, 'retriable-status-codes is not in retry_on');
    return [];
  }
  const all = codes.items().map((code) => code.count() ?? 0);
  const failures = all.filter((code) => code >= 400 && code <= 599);
  if (failures.length === all.length) codes.exact(draft, 'retry.on');
  else codes.differs(draft, 'retry.on', 'statuses below 400 are left out: they are never failures here');
  return failures;
}

/** True for a policy with a matcher on `:method`, the usual guard against retried POST requests. */
function isLimitedToSafeMethods(policy: Reader): boolean {
  const matchers = policy.list('retriable_request_headers');
  return matchers.some((matcher) => matcher.get('name')?.text() === ':method');
}

function readCount(policy: Reader, draft: Draft): number {
  const retries = policy.get('num_retries');
  const count = retries?.count() ?? 1;
  if (retries === undefined) return 1;
  if (count <= 10) retries.exact(draft, 'retry.maxRetries');
  else retries.differs(draft, 'retry.maxRetries', `${count} is lowered to 10, the most that is allowed here`);
  return Math.min(10, count);
}

function readBackoff(policy: Reader, draft: Draft): Record<string, string> {
  const backoff = policy.get('retry_back_off')?.structure();
  const [first, last] = [backoff?.get('base_interval'), backoff?.get('max_interval')];
  const base = Math.max(1, first?.duration() ?? 25);
  const written = first?.spelled(draft, 'retry.backoff.base') ?? '25ms';
  const max = last?.spelled(draft, 'retry.backoff.max', { least: base });
  first?.exact(draft, 'retry.backoff.base');
  last?.exact(draft, 'retry.backoff.max');
  return { base: written, max: max ?? spelledDuration(Math.min(longest, 10 * base)) };
}

function readRest(policy: Reader, draft: Draft): void {
  policy
    .get('retriable_request_headers')
    ?.whole()
    .differs(draft, 'retry', 'the method decides here; set retry: false on a single call');
  policy
    .get('retriable_headers')
    ?.unmapped('response headers do not cause retries; a perAttempt policy may throw on them');
  policy
    .get('rate_limited_retry_back_off')
    ?.differs(
      draft,
      'retry',
      'Retry-After (seconds or a date) is respected for every status that is retried; other headers are not read',
    );
  policy
    .at('rate_limited_retry_back_off', 'max_interval')
    ?.differs(
      draft,
      'timeouts.total',
      'a retry waits as long as the server asks for, as far as timeouts.total allows; Envoy uses retry_back_off for a longer time',
    );
  for (const reset of policy.get('rate_limited_retry_back_off')?.list('reset_headers') ?? [])
    if (reset.get('name')?.text()?.toLowerCase() === 'retry-after') reset.get('format')?.structure();
    else reset.unmapped('only Retry-After is read');
  policy
    .get('retry_host_predicate')
    ?.whole()
    .differs(draft, 'endpoints', 'always on: with several endpoints a retry avoids those already tried');
  policy
    .get('host_selection_retry_max_attempts')
    ?.differs(draft, 'endpoints', 'not needed: endpoints already tried are left out before one is picked');
  policy
    .get('retry_priority')
    ?.whole()
    .unmapped('a retry goes to the highest priority that has usable endpoints, like every attempt');
  for (const name of ['retry_options_predicates', 'refresh_cluster_on_retry'])
    policy.get(name)?.whole().unmapped('each attempt has the options of the call: a perAttempt policy may change them');
}
