/** The public exports of `pillion/testing`: a mock transport, fixtures, assertions and faults for any test runner. */
export { assertAttempts, assertNotRequested, assertRequested } from './assertions/assertions.js';
export { type MatcherResult, type RequestMatchers, requestMatchers } from './assertions/matchers.js';
export type { RequestPattern, RequestSource } from './assertions/request-pattern.js';
export type { RecordedExchange } from './fixtures/fixture-file.js';
export type { FixtureOptions } from './fixtures/fixture-options.js';
export { createFixtureTransport, type FixtureTransport } from './fixtures/fixtures.js';
export type { MaskOptions } from './masking/masking.js';
export { cutOff, type FlakyOptions, flaky, type OutageOptions, outage, retryAfter, times } from './mock/faults.js';
export { createMockTransport, type MockTransport, type Rule, type Script } from './mock/mock-transport.js';
export type { RecordedRequest } from './mock/recorded.js';
export {
  type ErrorReply,
  type HangReply,
  type HeldReply,
  type HttpReply,
  holdReply,
  type Reply,
} from './mock/replies.js';
export { createTestClient, type TestClient } from './mock/test-client.js';
