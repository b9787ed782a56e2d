/** The assertions as matchers for `expect.extend` of vitest and jest. */
import { type Finding, lookFor, lookForAttempts } from './assertions.js';
import type { RequestPattern, RequestSource } from './request-pattern.js';

/** The result of a matcher, as vitest and jest expect it. */
export interface MatcherResult {
  /** True when the assertion holds. */
  pass: boolean;
  /** Returns the failure message; for a passing matcher that of its negation. */
  message: () => string;
}

/**
 * Types of the matchers. Declare them for your test runner in a file that is a module:
 * `declare module 'vitest' { interface Matchers<T> extends RequestMatchers<T> {} }`.
 * This package does so for no runner, so that none has to be installed.
 */
export interface RequestMatchers<R = unknown> {
  /** Passes if a request matching `pattern` was sent. */
  toHaveRequested(pattern?: RequestPattern): R;
  /** Passes if exactly `times` requests matching `pattern` were sent; each retry and hedge counts as one. */
  toHaveRequestedTimes(times: number, pattern?: RequestPattern): R;
  /**
   * Passes if every call with a request matching `pattern` took exactly `attempts` attempts, including retries and
   * hedges.
   */
  toHaveAttempts(attempts: number, pattern?: RequestPattern): R;
}

/** `expect.extend(requestMatchers)`, then `expect(client).toHaveRequested({ method: 'POST', path: '/payments' })`. */
export const requestMatchers = {
  /** See `RequestMatchers.toHaveRequested`. */
  toHaveRequested: (received: RequestSource, pattern: RequestPattern = {}): MatcherResult =>
    resultOf(lookFor(received, pattern)),
  /** See `RequestMatchers.toHaveRequestedTimes`. */
  toHaveRequestedTimes: (received: RequestSource, times: number, pattern: RequestPattern = {}): MatcherResult =>
    resultOf(lookFor(received, pattern, times)),
  /** See `RequestMatchers.toHaveAttempts`. */
  toHaveAttempts: (received: RequestSource, attempts: number, pattern: RequestPattern = {}): MatcherResult =>
    resultOf(lookForAttempts(received, attempts, pattern)),
};

function resultOf({ pass, explain }: Finding): MatcherResult {
  // Runners show the message of a passing matcher only if it was negated.
  return { pass, message: () => explain(pass) };
}
