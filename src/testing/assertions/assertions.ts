/** Asserts what was sent, and explains a miss. No test runner is needed. */
import { attemptsOfCalls } from './calls.js';
import { explanation, list, shownPattern } from './explanation.js';
import { matchingOf, type RequestPattern, type RequestSource, requestsOf } from './request-pattern.js';

/**
 * Asserts that a request like this was sent, or exactly `times` of them; each retry and hedge is one.
 * @throws Error that shows what came nearest, where it differs, and what was sent; secrets masked
 */
export function assertRequested(source: RequestSource, pattern: RequestPattern = {}, times?: number): void {
  const { pass, explain } = lookFor(source, pattern, times);
  if (!pass) throw new Error(explain());
}

/**
 * Asserts that no request like this was sent; without a pattern that nothing was sent at all.
 * @throws Error that shows those that were; secrets masked
 */
export function assertNotRequested(source: RequestSource, pattern: RequestPattern = {}): void {
  const found = matchingOf(requestsOf(source), pattern);
  if (found.length > 0)
    throw new Error(`Expected no request like ${shownPattern(pattern)}, and there was:\n${list(found)}`);
}

/**
 * Asserts how many attempts a call like this took, retries and hedges included; of several calls each of them.
 * @throws Error that shows the attempts that there were; secrets masked
 */
export function assertAttempts(source: RequestSource, attempts: number, pattern: RequestPattern = {}): void {
  const { pass, explain } = lookForAttempts(source, attempts, pattern);
  if (!pass) throw new Error(explain());
}

/** Whether something holds, and the words for why not; where it holds, for why it should not. */
export interface Finding {
  readonly pass: boolean;
  readonly explain: (negated?: boolean) => string;
}

/** Requests like a pattern: any, or exactly `times`. */
export function lookFor(source: RequestSource, pattern: RequestPattern, times?: number): Finding {
  const requests = requestsOf(source);
  const { length: count } = matchingOf(requests, pattern);
  const wanted = `${times === undefined ? 'a request' : counted(times, 'request')} like ${shownPattern(pattern)}`;
  const were = `there ${count === 1 ? 'was' : 'were'} ${count}`;
  return {
    pass: times === undefined ? count > 0 : count === times,
    explain: (negated) => explanation({ wanted, were, negated }, requests, pattern),
  };
}

/** The attempts of calls like a pattern. */
export function lookForAttempts(source: RequestSource, attempts: number, pattern: RequestPattern): Finding {
  const requests = requestsOf(source);
  const taken = attemptsOfCalls(requests, matchingOf(requests, pattern));
  const wanted = `a call like ${shownPattern(pattern)} to take ${counted(attempts, 'attempt')}`;
  const were = taken.length === 0 ? 'there was no such call' : `it took ${taken.join(', ')}`;
  return {
    pass: taken.length > 0 && taken.every((each) => each === attempts),
    explain: (negated) => explanation({ wanted, were, negated }, requests, pattern),
  };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
