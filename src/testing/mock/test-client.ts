/** A complete client with a mock transport, for unit tests and `overrideProvider`. */

import type { Logger } from '../../call/logger.js';
import { createHttpClient } from '../../client/client.js';
import type { HttpClientConfig } from '../../client/config/config.js';
import type { HttpClient, HttpClientDeps } from '../../client/http-client.js';
import { createMockTransport, type MockTransport, type Script } from './mock-transport.js';
import type { RecordedRequest } from './recorded.js';

/** An ordinary client with its mock transport. */
export interface TestClient extends HttpClient {
  /** Every attempt that reached the transport, as a frozen snapshot, oldest first; the same as `transport.requests`. */
  readonly requests: readonly RecordedRequest[];
  /** The mock transport, with `add`, `reset` and `assertDone`. */
  readonly transport: MockTransport;
}

const ignore = () => {};
const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * Makes a client for tests: `createTestClient([503, { data: { id: 42 } }])`. Retries, circuits and deadlines are the
 * real ones, and nothing is sent. Unless `deps` sets them, it has a logger that writes nothing and `random: () => 0`,
 * with which retries follow at once. Without a `baseURL`, relative URLs go to `https://upstream.test`, and absolute
 * URLs to any host.
 * @throws PillionError `ERR_CONFIG` with every fault of `config`
 */
export function createTestClient(
  script: Script = [],
  config: HttpClientConfig = {},
  deps: Omit<HttpClientDeps, 'transport'> = {},
): TestClient {
  const transport = createMockTransport(script);
  const own = { logger: silent, random: () => 0, ...deps, transport };
  const based = config.baseURL === undefined ? { baseURL: 'https://upstream.test', allowAbsoluteUrls: true } : {};
  const client = createHttpClient({ ...based, ...config }, own);
  return Object.assign(client, { transport, requests: transport.requests });
}
