/** Three endpoints behind one name, a canary beside them: one endpoint dies, and no call fails. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createHttpClient, type HttpClientDeps } from 'pillion';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  const servers = await Promise.all(['a', 'b', 'c', 'canary'].map(serverThatSays));
  const [a, b, c, canary] = servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  const billing = createHttpClient(
    {
      name: 'billing',
      baseURL: 'http://billing.internal',
      endpoints: { static: [a, b, c].map((address) => ({ address: address ?? '' })) },
      outlierDetection: { consecutiveFailures: 3 },
      split: [
        {
          match: { headers: { 'x-beta': '1' } },
          targets: [{ name: 'canary', baseURL: `http://${canary}`, weight: 1 }],
        },
      ],
    },
    deps,
  );
  const told: string[] = [];
  billing.on('endpoint.ejected', ({ endpoint, reason }) => {
    told.push(`${endpoint === b ? 'b' : endpoint} is left out: ${reason}`);
  });

  told.push(`who answers: ${await answers(() => billing.get<string>('/'))}`);
  servers[1]?.close().closeAllConnections();
  told.push(`after the end of b: ${await answers(() => billing.get<string>('/'))}`);
  told.push(`with x-beta: ${await answers(() => billing.get<string>('/', { headers: { 'x-beta': '1' } }))}`);
  await billing.close();
  for (const server of servers) server.close();
  return told;
}

async function serverThatSays(name: string): Promise<Server> {
  const server = createServer((_, response) => response.end(name));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

/** Of sixty calls, each name once. */
async function answers(call: () => Promise<{ data: string }>): Promise<string> {
  const all = await Promise.all(Array.from({ length: 60 }, async () => (await call()).data));
  return [...new Set(all)].sort().join(', ');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const ignore = () => {};
  console.log((await main({ logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } })).join('\n'));
}
