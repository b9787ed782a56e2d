/** A configuration that an HTTP server holds: asked for again and again, loaded when its ETag changes. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type ConfigSource, createHttpClient, type HttpClientsDeps, loadHttpClients } from 'pillion';

/** Polls `url` every `interval` milliseconds; a 304 costs nothing more. A server that fails changes nothing. */
export function httpSource(url: string, interval: number): ConfigSource<Promise<string>> {
  const client = createHttpClient({ name: 'config', logging: false });
  let etag: string | undefined;
  const changedSince = async (known: string | undefined) => {
    const headers = known === undefined ? {} : { 'if-none-match': known };
    const response = await client.get<string>(url, { headers, responseType: 'text', validateStatus: (s) => s < 400 });
    return response.status === 304 ? undefined : response;
  };
  return {
    name: url,
    async load() {
      const response = await changedSince(undefined);
      etag = response?.headers.etag;
      return response?.data ?? '';
    },
    subscribe(changed) {
      const ask = async () => {
        // A server that is down is no news: `load` would say so, and what is in force stays.
        if (await changedSince(etag).catch(() => undefined)) changed();
      };
      const timer = setInterval(ask, interval).unref();
      return () => {
        clearInterval(timer);
        void client.close();
      };
    },
  };
}

export async function main(deps: HttpClientsDeps = {}): Promise<string[]> {
  let version = 1;
  const asked = { full: 0, unchanged: 0 };
  const server = createServer((request, response) => {
    const etag = `"${version}"`;
    const known = request.headers['if-none-match'] === etag;
    asked[known ? 'unchanged' : 'full']++;
    response.writeHead(known ? 304 : 200, { etag });
    response.end(known ? undefined : `clients: { billing: { timeouts: { total: ${version}s } } }`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  const registry = await loadHttpClients(httpSource(`http://127.0.0.1:${port}/clients`, 20), deps);
  const told: string[] = [];
  const applied = new Promise<void>((resolve) => {
    registry.on('config.applied', ({ changes }) => {
      told.push(...changes.map(({ path, before, after }) => `${path}: ${before} -> ${after}`));
      resolve();
    });
  });
  // The first polls find nothing new.
  while (asked.unchanged < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  version = 4;
  await applied;
  told.push(`${asked.full > 2 ? 'loaded again once it had changed' : ''}`);
  await registry.close();
  server.close();
  server.closeAllConnections();
  return told;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const ignore = () => {};
  console.log((await main({ logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } })).join('\n'));
}
