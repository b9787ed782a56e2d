/** The assertions as matchers, for `expect.extend` of vitest and jest. */
import { type Finding, lookFor, lookForAttempts } from './assertions.js';
import type { RequestPattern, RequestSource } from './request-pattern.js';

/** What a matcher gives its runner. */
export interface MatcherResult {
  /** Whether it holds. */
  pass: boolean;
  /** Why not; where it was negated, why. */
  message: () => string;
}

/**
 * For the types of your runner, in a file that is a module: `declare module 'vitest' { interface Matchers<T> extends
 * RequestMatchers<T> {} }`. This package names no runner itself, so its types need none to be installed.
 */
export interface RequestMatchers<R = unknown> {
  /** A request like this was sent. */
  toHaveRequested(pattern?: RequestPattern): R;
  /** Exactly so many requests were sent, of those like this; each retry and hedge is one. */
  toHaveRequestedTimes(times: number, pattern?: RequestPattern): R;
  /** A call like this took so many attempts, retries and hedges included; of several calls each of them. */
  toHaveAttempts(attempts: number, pattern?: RequestPattern): R;
}

/** `expect.extend(requestMatchers)`, then `expect(client).toHaveRequested({ method: 'POST', path: '/payments' })`. */
export const requestMatchers = {
  /** As `RequestMatchers` says; so the others. */
  toHaveRequested: (received: RequestSource, pattern: RequestPattern = {}): MatcherResult =>
    resultOf(lookFor(received, pattern)),
  /** So many times. */
  toHaveRequestedTimes: (received: RequestSource, times: number, pattern: RequestPattern = {}): MatcherResult =>
    resultOf(lookFor(received, pattern, times)),
  /** With so many attempts. */
  toHaveAttempts: (received: RequestSource, attempts: number, pattern: RequestPattern = {}): MatcherResult =>
    resultOf(lookForAttempts(received, attempts, pattern)),
};

function resultOf({ pass, explain }: Finding): MatcherResult {
  // Of one that holds, runners ask for the message only where it was negated.
  return { pass, message: () => explain(pass) };
}
