/** A client for simulations: the whole stack, but for log lines and headers. */
import { createHttpClient } from 'pillion';

const ignore = () => {};
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export function clientOver(transport, random, config = {}) {
  const base = { baseURL: 'http://api.test', logging: false, tracing: false };
  return createHttpClient({ ...base, ...config }, { transport, random, logger: silent });
}

/** What a call came to, without throwing. */
export async function outcome(client, url = '/') {
  const startedAt = performance.now();
  try {
    await client.get(url);
    return { ok: true, ms: performance.now() - startedAt };
  } catch (error) {
    return { ok: false, ms: performance.now() - startedAt, code: error.code, attempts: error.attempts };
  }
}
