/** The same shop twice, as it is and under one configuration file: five HTTP clients, and not one call is changed. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startUpstream, type Upstream } from './upstream.js';

/** Its client, how it is taken over, and the variable that holds its URL. */
const services = {
  billing: { client: 'axios (POST)', by: 'serveSidecar', variable: 'BILLING_URL' },
  stock: { client: 'got', by: 'serveSidecar', variable: 'STOCK_URL' },
  ratings: { client: 'fetch', by: 'installFetch', variable: 'RATINGS_URL' },
  prices: { client: 'undici.request', by: 'createDispatcher', variable: 'PRICES_URL' },
  texts: { client: 'OpenAI', by: 'installFetch', variable: 'OPENAI_BASE_URL' },
} as const;
type Service = keyof typeof services;

interface Ran {
  readonly failed: Record<Service, number>;
  readonly upstreams: Record<Service, Upstream>;
  /** Log lines. */
  readonly lines: readonly { readonly client?: Service; readonly level: number }[];
}

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Runs the shop in a process of its own against services of its own. */
async function run(...flags: string[]): Promise<Ran> {
  const upstreams = {} as Record<Service, Upstream>;
  const env = { ...process.env };
  for (const name of Object.keys(services) as Service[]) {
    upstreams[name] = await startUpstream();
    env[services[name].variable] = upstreams[name].origin;
  }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, path('./shop.js')], { env });
  for (const upstream of Object.values(upstreams)) upstream.close();
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  return { failed: JSON.parse(stdout), upstreams, lines: lines.map((line) => JSON.parse(line)) };
}

const bare = await run();
const covered = await run('--import', new URL('./policies.js', import.meta.url).href);

const rows = (Object.keys(services) as Service[]).map((name) => {
  const { client, by } = services[name];
  const lines = covered.lines.filter((line) => line.client === name).length;
  const cells = [
    bare.failed[name],
    bare.upstreams[name].requests(),
    covered.failed[name],
    covered.upstreams[name].requests(),
  ];
  return [name, client, by, ...cells, lines].map(String);
});
const head = ['service', 'client', 'taken over by', 'failed', 'sent', 'failed', 'sent', 'log lines'];
const widths = head.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
const line = (cells: readonly string[]) =>
  cells
    .map((cell, index) => (index < 3 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join('  ');
const before = widths.slice(0, 3).reduce((sum, width) => sum + width + 2, 0);

console.log(`60 orders of one shop, with one call of each client. Each service answers one request in ten with a 503
and breaks off one in fifteen. The second run is the same program with "--import ./policies.js" and clients.yaml.

${' '.repeat(before)}${'as it is'.padEnd(14)}${'under clients.yaml'}
${[head, ...rows].map(line).join('\n')}`);
