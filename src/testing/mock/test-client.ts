/** A whole client over a scripted wire, for unit tests and `overrideProvider`. */

import type { Logger } from '../../call/logger.js';
import { createHttpClient, type HttpClient, type HttpClientDeps } from '../../client/client.js';
import type { HttpClientConfig } from '../../client/config/config.js';
import { createMockTransport, type MockTransport, type Script } from './mock-transport.js';
import type { RecordedRequest } from './recorded.js';

/** An ordinary client, and the script it talks to. */
export interface TestClient extends HttpClient {
  /** What reached the wire, one frozen snapshot an attempt, oldest first; the same as `transport.requests`. */
  readonly requests: readonly RecordedRequest[];
  /** The scripted wire: to add to the script, to start anew, to assert that nothing of it is left. */
  readonly transport: MockTransport;
}

const ignore = () => {};
const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * `createTestClient([503, { data: { id: 42 } }])`: retries, circuits and deadlines are the real ones, nothing is sent. It logs
 * nothing and waits without jitter (`random: () => 0`, so retries follow at once), unless `deps` says otherwise. Without a
 * `baseURL` relative URLs go to `https://upstream.test` and absolute ones anywhere, as with a client that has none.
 * @throws PillionError `ERR_CONFIG` that lists every fault of `config`
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
