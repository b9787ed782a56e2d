/** Envoy's retry policy as the retry section. */
import { type Draft, type Reader, spelledDuration } from './reader.js';

export interface RetryPart {
  readonly retry: false | Record<string, unknown>;
  /** Milliseconds; undefined where nothing is said. */
  readonly attempt: number | undefined;
}

/** No policy, no retry: Envoy repeats nothing by itself. */
export function readRetry(policy: Reader | undefined, draft: Draft): RetryPart {
  if (policy === undefined) return { retry: false, attempt: undefined };
  const on = readConditions(policy, draft);
  const attempt = policy.get('per_try_timeout');
  attempt?.differs(
    draft,
    'timeouts.attempt',
    "Envoy's clock starts once connected and stops at the headers; here it counts connecting and the body too",
  );
  if (attempt === undefined)
    policy.remark(
      draft,
      'timeouts.attempt',
      'per_try_timeout is not set: as in Envoy one attempt may take the whole time, so a hang is not retried',
    );
  readRest(policy, draft);
  if (on.length === 0) return { retry: false, attempt: attempt?.duration() };
  return {
    retry: { maxRetries: readCount(policy, draft), on, backoff: readBackoff(policy, draft) },
    attempt: attempt?.duration(),
  };
}

/** Envoy's words that mean the same here. */
const same = ['5xx', 'gateway-error', 'reset', 'connect-failure', 'refused-stream', 'retriable-4xx'];

const others: Record<string, readonly [string | undefined, string]> = {
  'envoy-ratelimited': [
    'rate-limited',
    'rate-limited asks for a 429 or 503 with Retry-After, in place of x-envoy-ratelimited',
  ],
  'reset-before-request': ['connect-failure', 'connect-failure covers what was provably not sent'],
  'retriable-status-codes': [undefined, 'the statuses are in the list'],
};

function readConditions(policy: Reader, draft: Draft): (string | number)[] {
  const retryOn = policy.get('retry_on');
  const words = (retryOn?.text() ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
  const on: (string | number)[] = words.filter((word) => same.includes(word));
  const notes: string[] = [];
  for (const word of words.filter((each) => !same.includes(each))) {
    const [mapped, note] = others[word] ?? [undefined, `"${word}" has no counterpart`];
    if (mapped !== undefined && !on.includes(mapped)) on.push(mapped);
    notes.push(note);
  }
  on.push(...readStatuses(policy, draft, words.includes('retriable-status-codes')));
  if (retryOn === undefined) policy.get('num_retries')?.differs(draft, 'retry', 'without retry_on nothing is retried');
  else if (on.length === 0) retryOn.differs(draft, 'retry', ['nothing of it is retried here', ...notes].join('; '));
  else {
    const idempotent =
      'only calls that are safe to repeat are: GET, HEAD, OPTIONS, PUT, DELETE, those with an idempotencyKey, and what was provably not sent';
    retryOn.differs(draft, 'retry.on', [...notes, idempotent].join('; '));
    if (!isLimitedToSafeMethods(policy))
      retryOn.warn('POSTs were being retried: Envoy repeats every method, so a payment could be made twice');
  }
  return on;
}

function readStatuses(policy: Reader, draft: Draft, asked: boolean): number[] {
  const codes = policy.get('retriable_status_codes');
  if (codes === undefined) return [];
  if (!asked) {
    codes.differs(draft, 'retry.on', 'left out: Envoy reads them only with retriable-status-codes in retry_on');
    return [];
  }
  const all = codes.items().map((code) => code.number() ?? 0);
  const failures = all.filter((code) => code >= 400 && code <= 599);
  if (failures.length === all.length) codes.exact(draft, 'retry.on');
  else codes.differs(draft, 'retry.on', 'statuses below 400 are no failures here');
  return failures;
}

/** A policy that looks at the method, as people who were bitten write it. */
function isLimitedToSafeMethods(policy: Reader): boolean {
  const matchers = policy.list('retriable_request_headers');
  return matchers.some((matcher) => matcher.name('name') === ':method');
}

function readCount(policy: Reader, draft: Draft): number {
  const retries = policy.get('num_retries');
  const count = retries?.number() ?? 1;
  if (retries === undefined) return 1;
  if (count <= 10) retries.exact(draft, 'retry.maxRetries');
  else retries.differs(draft, 'retry.maxRetries', `${count} is more than the 10 that are allowed here`);
  return Math.min(10, count);
}

function readBackoff(policy: Reader, draft: Draft): Record<string, string> {
  const backoff = policy.get('retry_back_off');
  const base = Math.max(1, backoff?.get('base_interval')?.duration() ?? 25);
  const max = Math.max(base, backoff?.get('max_interval')?.duration() ?? 10 * base);
  backoff?.get('base_interval')?.exact(draft, 'retry.backoff.base');
  backoff?.get('max_interval')?.exact(draft, 'retry.backoff.max');
  return { base: spelledDuration(base), max: spelledDuration(max) };
}

function readRest(policy: Reader, draft: Draft): void {
  policy
    .get('retriable_request_headers')
    ?.differs(draft, 'retry', 'the method decides here, and retry: false on a single call');
  policy
    .get('retriable_headers')
    ?.unmapped('headers of an answer do not decide here; a perAttempt policy may throw for them');
  policy
    .get('rate_limited_retry_back_off')
    ?.differs(
      draft,
      'retry.on',
      'Retry-After is obeyed, as seconds or date, wherever the status is retried; other headers are not',
    );
  policy
    .get('retry_host_predicate')
    ?.differs(
      draft,
      'endpoints',
      'retries avoid endpoints already tried once there are several; parsed, this version has no policy for it yet',
    );
  policy.get('host_selection_retry_max_attempts')?.differs(draft, 'endpoints', 'no such number is needed');
  policy.get('retry_priority')?.unmapped('there are no priorities');
  policy
    .get('per_try_idle_timeout')
    ?.unmapped('there is no timeout between two bytes; timeouts.attempt bounds the attempt');
}
