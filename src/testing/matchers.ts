/** The assertions as matchers, for `expect.extend` of vitest and jest. */
import { lookFor, type RequestPattern, type RequestSource } from './assertions.js';

/** What a matcher gives its runner. */
export interface MatcherResult {
  /** Whether it holds. */
  pass: boolean;
  /** Why not; where it was negated, why. */
  message: () => string;
}

/** For the types of your runner: `declare module 'vitest' { interface Matchers<T> extends RequestMatchers<T> {} }`. */
export interface RequestMatchers<R = unknown> {
  /** A request like this was sent. */
  toHaveRequested(pattern: RequestPattern): R;
  /** Exactly so many requests were sent, of those like this. */
  toHaveRequestedTimes(times: number, pattern?: RequestPattern): R;
}

/** `expect.extend(requestMatchers)`, then `expect(client).toHaveRequested({ method: 'POST', path: '/payments' })`. */
export const requestMatchers = {
  /** Passes where a request like `pattern` was sent. */
  toHaveRequested: (received: RequestSource, pattern: RequestPattern): MatcherResult => resultOf(received, pattern),
  /** Passes where exactly `times` requests like `pattern` were sent; all are meant without one. */
  toHaveRequestedTimes: (received: RequestSource, times: number, pattern: RequestPattern = {}): MatcherResult =>
    resultOf(received, pattern, times),
};

function resultOf(received: RequestSource, pattern: RequestPattern, times?: number): MatcherResult {
  const { pass, explain } = lookFor(received, pattern, times);
  // Asked for only where the matcher was negated.
  const message = () => (pass ? explain().replace(/^Expected/, 'Did not expect') : explain());
  return { pass, message };
}
