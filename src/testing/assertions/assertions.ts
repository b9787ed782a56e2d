/** Assertions about sent requests, which explain a failure and work without a test runner. */
import { attemptsOfCalls } from './calls.js';
import { explanation, list, shownPattern } from './explanation.js';
import { matchingOf, type RequestPattern, type RequestSource, requestsOf } from './request-pattern.js';

/**
 * Asserts that a request matching `pattern` was sent, or exactly `times` such requests; each retry and hedge counts as
 * one.
 * @throws Error with the nearest request, its differences and all sent requests; secrets are masked
 */
export function assertRequested(source: RequestSource, pattern: RequestPattern = {}, times?: number): void {
  const { pass, explain } = lookFor(source, pattern, times);
  if (!pass) throw new Error(explain());
}

/**
 * Asserts that no request matching `pattern` was sent; without a pattern, that no request was sent.
 * @throws Error with the matching requests; secrets are masked
 */
export function assertNotRequested(source: RequestSource, pattern: RequestPattern = {}): void {
  const found = matchingOf(requestsOf(source), pattern);
  if (found.length > 0)
    throw new Error(`Expected no request like ${shownPattern(pattern)}, but there was:\n${list(found)}`);
}

/**
 * Asserts the number of attempts, including retries and hedges, of every call with a request matching `pattern`.
 * @throws Error with the attempts of each call; secrets are masked
 */
export function assertAttempts(source: RequestSource, attempts: number, pattern: RequestPattern = {}): void {
  const { pass, explain } = lookForAttempts(source, attempts, pattern);
  if (!pass) throw new Error(explain());
}

/** The result of a check, and its message: why it fails, or with `negated` why it should not pass. */
export interface Finding {
  readonly pass: boolean;
  readonly explain: (negated?: boolean) => string;
}

/** Checks for requests matching a pattern: any number, or exactly `times`. */
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

/** Checks the number of attempts of each call with a request matching a pattern. */
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
