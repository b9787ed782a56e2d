/** For tests: a scripted wire below the real policies, fixtures, assertions, faults. Works with any test runner. */
export { assertAttempts, assertNotRequested, assertRequested } from './assertions.js';
export { cutOff, type FlakyOptions, flaky, type OutageOptions, outage, retryAfter, times } from './faults.js';
export type { Exchange } from './fixture-file.js';
export { createFixtureTransport, type FixtureOptions, type FixtureTransport } from './fixtures.js';
export type { MaskOptions } from './masking.js';
export { type MatcherResult, type RequestMatchers, requestMatchers } from './matchers.js';
export { createMockTransport, type MockTransport, type Rule, type Script } from './mock-transport.js';
export type { RecordedRequest } from './recorded.js';
export { type ErrorReply, type HangReply, type HeldReply, type HttpReply, holdReply, type Reply } from './replies.js';
export type { RequestPattern, RequestSource } from './request-pattern.js';
export { createTestClient, type TestClient } from './test-client.js';
