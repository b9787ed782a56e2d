/** The package installed from its tarball: run by each supported Node, imported and required. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { authority } from '../support/certificates.js';
import { startHttp, startHttps } from '../support/upstream.js';
import { nodeOf } from './node-versions.js';
import { type Outcome, root, run } from './run.js';
import { compile, install, pack, temporary } from './tarball.js';

const { folder, remove } = temporary('smoke');
const project = join(folder, 'project');

/** Of each entry what the programs use. */
const used: Record<string, string> = {
  '.': 'createHttpClient',
  './testing': 'createTestClient',
  './metrics': 'createPrometheus',
  './admin': 'createAdmin',
  './nestjs': 'HttpClientModule',
  './sidecar': 'serveSidecar',
};
const forEverybody = Object.keys(used).filter((entry) => entry !== './nestjs');

const moduleOf = (entry: string) => entry.replace(/^\./, 'pillion');
const imports = (entries: readonly string[]) =>
  entries.map((entry) => `import { ${used[entry]} } from '${moduleOf(entry)}';\n`).join('');
const requires = imports(Object.keys(used)).replaceAll(/import (.*) from (.*);/g, 'const $1 = require($2);');

function write(path: string, text: string): string {
  const file = join(project, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

beforeAll(async () => {
  const tarball = await pack(folder);
  await install(project, tarball, 'axios@1', '@opentelemetry/api@1', '@types/node@20');
}, 120_000);
afterAll(remove);

it('knows every entry of the package', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object };
  const entries = Object.keys(exports).filter((path) => !path.endsWith('.json'));
  expect(Object.keys(used).sort()).toEqual(entries.sort());
});

/** A folder with files of one text, to be compiled strictly and with the declarations of libraries. */
function typed(name: string, files: readonly string[], text: string, options: object = {}): string {
  const strict = { strict: true, skipLibCheck: false, noEmit: true, experimentalDecorators: true };
  const compilerOptions = {
    ...strict,
    target: 'ES2022',
    lib: ['ES2022'],
    types: ['node'],
    module: 'NodeNext',
    ...options,
  };
  for (const file of files) write(`${name}/${file}`, text);
  return join(write(`${name}/tsconfig.json`, JSON.stringify({ compilerOptions, files })), '..');
}

const typedProgram = `
import type { HttpClient, HttpClientConfig } from 'pillion';
const config: HttpClientConfig = { name: 'a', timeouts: { total: '1s' } };
export const client: HttpClient = createHttpClient(config);
const options = { idempotencyKey: true, retry: { maxRetries: 1 } } as const;
export const answer: Promise<{ data: { id: number } }> = client.get<{ id: number }>('/x', options);
export const fetched: typeof globalThis.fetch = client.fetch;
export const others = [createTestClient([200]), createPrometheus([client]), createAdmin([client])];
`;

describe('installed with axios and OpenTelemetry alone', () => {
  const node = (code: string) => run(process.execPath, write('alone.mjs', code));

  it('loads every entry but that for Nest', async () => {
    expect(await node(imports(forEverybody))).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('says what is missing where the entry for Nest is loaded', async () => {
    const { stdout } = await node("import('pillion/nestjs').catch((e) => console.log(e.code, e.message));");
    expect(stdout).toMatch(/^ERR_MODULE_NOT_FOUND .*'(@nestjs\/common|rxjs)'/);
  });

  it('has types for them', async () => {
    await compile(typed('alone', ['a.mts'], imports(forEverybody) + typedProgram));
  }, 60_000);

  it('runs its command line', async () => {
    const { stdout } = await promisify(execFile)('npx', ['--no-install', 'pillion', 'schema'], { cwd: project });
    expect(JSON.parse(stdout)).toHaveProperty('$schema');
  });
});

/** Retries, both lanes, mutual TLS, compression, fetch, the test client, metrics, the admin handler: on real sockets. */
const program = `
(async () => {
  const [baseURL, secureURL, tls] = process.argv.slice(2);
  const line = (_, msg) => console.log(JSON.stringify({ msg }));
  const logger = { debug() {}, info: line, warn: line, error: line };
  const client = createHttpClient({ name: 'smoke', baseURL }, { logger });
  const { data } = await client.get('/invoices/42');
  await client.post('/payments', { invoice: 42 }, { idempotencyKey: true });
  const fetched = await client.fetch('/fetched').then((answer) => answer.json());
  const other = await client.get('/other-lane', { family: 4 });
  const secure = createHttpClient({ name: 'secure', baseURL: secureURL, tls: JSON.parse(tls), logging: false });
  const welcome = await secure.get('/');
  const scripted = await createTestClient([{ data: 'scripted' }]).get('/');
  const admin = createAdmin([client]);
  const { url } = await admin.listen();
  const { status } = await (await fetch(url + 'ready')).json();
  const metrics = createPrometheus([client]).text().includes('smoke');
  const { attempts, policies } = client.stats();
  const { undici, http } = policies.wire.lanes;
  const nest = typeof HttpClientModule.forRoot;
  console.log(JSON.stringify({ data, attempts, undici, http, fetched, other: other.data, welcome: welcome.data, scripted: scripted.data, status, metrics, nest }));
  await Promise.all([client.close(), secure.close(), admin.close()]);
})();
`;
const result = {
  ...{ data: { id: 42 }, attempts: 5, undici: 4, http: 1, fetched: { id: 42 }, other: { id: 42 } },
  ...{ welcome: 'welcome', scripted: 'scripted', status: 'up', metrics: true, nest: 'function' },
};

/** Runs a program against upstreams; what it said last, beside its log lines. */
async function outcomeOf(node: string, file: string) {
  const ca = await authority('an authority');
  const [server, identity] = await Promise.all([
    ca.issue({ name: 'server', dns: ['localhost'] }),
    // One that ends sooner has a log line of its own.
    ca.issue({ name: 'client', expiresIn: 30 * 86_400_000 }),
  ]);
  const json = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const plain = await startHttp(answer(503), answer(200, gzipSync('{"id":42}'), json));
  const mutual = { ...server, ca: ca.cert, requestCert: true };
  const secure = await startHttps(mutual, answer(200, 'welcome'));
  const tls = JSON.stringify({ ca: ca.cert, cert: identity.cert, key: identity.key });
  const { code, stdout, stderr }: Outcome = await run(node, file, plain.origin, secure.origin, tls);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, stderr, logged: lines.slice(0, -1).map(({ msg }) => msg), said: lines.at(-1) };
}

const logged = ['GET 200', 'POST 200', 'GET 200', 'GET 200'];

describe('installed with Nest too', () => {
  let esm: string;
  let cjs: string;
  beforeAll(async () => {
    await install(project, '@nestjs/common@11', 'rxjs@7', 'reflect-metadata@0.2');
    esm = write('run.mjs', imports(Object.keys(used)) + program);
    cjs = write('run.cjs', requires + program);
  }, 120_000);

  describe.each(['20.19.0', '20', '22.12.0', '22', '24'])('on Node %s', (version) => {
    let node: string;
    beforeAll(async () => {
      node = await nodeOf(version);
    }, 120_000);

    it('works when it is imported', async () => {
      expect(await outcomeOf(node, esm)).toEqual({ code: 0, stderr: '', logged, said: result });
    });

    it('works when it is required', async () => {
      expect(await outcomeOf(node, cjs)).toEqual({ code: 0, stderr: '', logged, said: result });
    });
  });

  it('is not compiled by chance: a wrong use fails', async () => {
    const text = `${imports(['.'])}createHttpClient({ baseUrl: 'http://a.test' });\n`;
    await expect(compile(typed('wrong', ['a.mts'], text))).rejects.toThrow(/'baseUrl' does not exist/);
  });
});
