/** A whole client over a scripted wire, for unit tests and `overrideProvider`. */
import { createHttpClient, type HttpClient, type HttpClientDeps } from '../client.js';
import type { HttpClientConfig } from '../config/schema.js';
import type { Logger } from '../logger.js';
import { createMockTransport, type MockTransport, type Script } from './mock-transport.js';

/** An ordinary client, and the script it talks to. */
export interface TestClient extends HttpClient {
  /** What reached the wire, and how to add to the script. */
  readonly transport: MockTransport;
}

const ignore = () => {};
const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * `createTestClient([503, { data: { id: 42 } }])`: retries, circuits and deadlines are the real ones, nothing is sent. It logs
 * nothing and waits without jitter (`random: () => 0`, so retries follow at once), unless `deps` says otherwise; relative URLs go to
 * `https://upstream.test`.
 */
export function createTestClient(
  script: Script = [],
  config: HttpClientConfig = {},
  deps: Omit<HttpClientDeps, 'transport'> = {},
): TestClient {
  const transport = createMockTransport(script);
  const own = { logger: silent, random: () => 0, ...deps, transport };
  return Object.assign(createHttpClient({ baseURL: 'https://upstream.test', ...config }, own), { transport });
}
