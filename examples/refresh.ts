/** The configuration changes while the service runs: a good version, a bad one, a good one again. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HttpClients, type HttpClientsDeps, loadHttpClients } from 'pillion';

export async function main(deps: HttpClientsDeps = {}): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-refresh-'));
  const file = join(folder, 'clients.yaml');
  const server = createServer((_, response) => response.end('paid'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const env = { BILLING_URL: `http://127.0.0.1:${port}` };

  writeFileSync(file, clients('5s'));
  const registry = loadHttpClients(file, { watch: true, env, ...deps });
  const billing = registry.get('billing');
  const told: string[] = [];
  registry.on('config.applied', ({ version, changes }) => {
    const changed = changes.map(({ client, path, before, after }) => `${client}.${path} ${before} -> ${after}`);
    told.push(`version ${version}: ${changed.join(', ')}`);
  });
  registry.on('config.rejected', ({ line, column, path, message }) => {
    told.push(`rejected: ${line}:${column} ${path} ${message}`);
  });

  for (const total of ['8s', 'soon', '9s']) {
    const noticed = next(registry);
    writeFileSync(file, clients(total));
    await noticed;
    const { data } = await billing.get('/invoices/INV-1');
    told.push(`the invoice is ${data}`);
  }
  await registry.close();
  server.close();
  rmSync(folder, { recursive: true });
  return told;
}

const clients = (total: string) => `
defaults:
  timeouts: { total: ${total} }
clients:
  billing:
    baseURL: \${BILLING_URL}
`;

const next = (registry: HttpClients) =>
  new Promise<void>((resolve) => {
    const stops = [registry.on('config.applied', () => done()), registry.on('config.rejected', () => done())];
    const done = () => {
      for (const stop of stops) stop();
      resolve();
    };
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const ignore = () => {};
  console.log((await main({ logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } })).join('\n'));
}
