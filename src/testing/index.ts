/** For unit tests: a scripted wire below the real policies. Works with any test runner. */
export { createMockTransport, type MockTransport, type Rule, type Script } from './mock-transport.js';
export type { RecordedRequest } from './recorded.js';
export { type ErrorReply, type HangReply, type HeldReply, type HttpReply, holdReply, type Reply } from './replies.js';
