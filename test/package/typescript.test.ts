/** Projects in TypeScript over the packed package: by each version and each way to resolve modules, compiled, then run. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeOf } from './node-versions.js';
import { run } from './run.js';
import { compile, install, pack, temporary } from './tarball.js';

const { folder, remove } = temporary('typescript');

beforeAll(async () => {
  const tarball = await pack(folder);
  const compilers = ['5.4', '5.8'].map((version) => `typescript-${version}@npm:typescript@${version}`);
  const peers = ['axios@1', '@opentelemetry/api@1', '@nestjs/common@11', 'rxjs@7', 'reflect-metadata@0.2'];
  await install(folder, tarball, ...peers, '@types/node@20', ...compilers);
}, 120_000);
afterAll(remove);

const strict = {
  ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, outDir: 'out', esModuleInterop: true },
  ...{ experimentalDecorators: true, emitDecoratorMetadata: true, target: 'ES2021', types: ['node'] },
};

const ways = {
  'node10, CommonJS': { module: 'commonjs', moduleResolution: 'node10' },
  'node10, without esModuleInterop': { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: false },
  'node16, both kinds': { module: 'node16', moduleResolution: 'node16' },
  'nodenext, both kinds': { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  'bundler, CommonJS': { module: 'commonjs', moduleResolution: 'bundler' },
  'bundler, with the types of browsers': {
    ...{ module: 'esnext', moduleResolution: 'bundler' },
    lib: ['ES2021', 'DOM', 'DOM.Iterable'],
  },
};
type Way = keyof typeof ways;
const allWays = Object.keys(ways) as Way[];
const waysOfVersion7 = allWays.filter((way) => !way.startsWith('node10'));
// Before version 6 there is no such combination.
const waysBefore7 = allWays.filter((way) => way !== 'bundler, CommonJS');

/** What users write: every entry, options of calls, errors, axios's own types. */
const program = `
import axios, { AxiosError, type AxiosInstance, isAxiosError } from 'axios';
import { createHttpClient, type HttpClient, type HttpClientConfig, loadHttpClients, PillionError, usePolicies } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { createPrometheus } from 'pillion/metrics';
import { HttpClientModule, HttpModule, HttpService } from 'pillion/nestjs';
import { type Sidecar, serveSidecar } from 'pillion/sidecar';
import { assertRequested, createTestClient } from 'pillion/testing';

const config: HttpClientConfig = { name: 'a', timeouts: { total: '1s' } };
export const client: HttpClient = createHttpClient(config);
export const instance: AxiosInstance = client;
export const ref: AxiosInstance = new HttpService(instance).axiosRef;
export const policies = usePolicies(axios.create());
export const others = [createPrometheus([client]), createAdmin([client]), loadHttpClients({ clients: { b: { baseURL: 'http://b.test' } } })];
// Not called: a listener keeps the process.
export const served = (): Promise<Sidecar> => serveSidecar([client], { port: 0 });
export const modules = [HttpClientModule.forFeature(['a']), HttpModule.register({ timeout: 5 })];
export const fetched: typeof globalThis.fetch = client.fetch;

export async function call(): Promise<number | string | undefined> {
  const options = { idempotencyKey: true, retry: { maxRetries: 1 }, timeouts: { total: '1s' }, routeName: 'a', hashKey: 'b' } as const;
  try {
    const answers = [instance.get<{ id: number }>('/', options), ref.get('/', options), axios.get('/', options)];
    await client.fetch('/', options);
    assertRequested(createTestClient([200]), { path: '/' });
    return (await Promise.all(answers)).length;
  } catch (error) {
    if (error instanceof PillionError) return error.faults?.length;
    if (isAxiosError(error)) return (error.attempts ?? 0) + (error.retryAfter ?? 0) + (error.status ?? 0);
    if (axios.isAxiosError<{ id: number }>(error)) return (error.attempts ?? 0) + (error.response?.data.id ?? 0);
    if (error instanceof AxiosError) return error.code;
    throw error;
  }
}

/** True where an error of a call is one of the axios of this file. */
export async function run(): Promise<boolean> {
  const error: unknown = await createTestClient([404]).get('/').catch((each: unknown) => each);
  await Promise.all([client.close(), policies.close()]);
  return error instanceof AxiosError && isAxiosError(error) && error.attempts === 1;
}
`;

const wrong = program.replace("{ name: 'a'", "{ baseUrl: 'a'");

/** The compiled files, of every project that is right. */
const outputs: string[] = [];

/** A project; where both kinds of modules are asked for, an ES module and a CommonJS one. */
function project(name: string, way: Way, text: string): string {
  const files = way.endsWith('both kinds') ? ['a.mts', 'b.cts'] : ['a.ts'];
  const place = join(folder, name, way.replaceAll(/\W+/g, '-'));
  mkdirSync(place, { recursive: true });
  for (const file of files) writeFileSync(join(place, file), text);
  const { module } = ways[way];
  writeFileSync(join(place, 'package.json'), `{ "type": "${module === 'esnext' ? 'module' : 'commonjs'}" }`);
  if (name !== 'wrong') outputs.push(...files.map((file) => join(place, 'out', file.replace(/ts$/, 'js'))));
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...strict, ...ways[way] }, files }));
  return place;
}

const checker = fileURLToPath(new URL('check-types.cjs', import.meta.url));

/**
 * What a TypeScript before 7 says of projects. One process has them all, which parses declarations once and becomes quick with time.
 * Of the versions of Node the newest runs it with the least work; V8's optimizing compiler would take longer than it saves.
 */
async function faultsOf(compiler: string, places: readonly string[]): Promise<string[]> {
  const args = ['--no-turbofan', checker, join(folder, 'node_modules', compiler), ...places];
  const { stdout } = await promisify(execFile)(await nodeOf('24'), args);
  const results = JSON.parse(stdout) as { files: number; faults: string }[];
  expect(results).toHaveLength(places.length);
  // The file itself and the declarations of pillion.
  for (const { files } of results) expect(files).toBeGreaterThan(50);
  return results.map(({ faults }) => faults);
}

describe.each(['typescript-5.4', 'typescript-5.8'])('%s', (compiler) => {
  let faults: Record<string, string | undefined>;
  let faultsOfWrongUse: string | undefined;

  beforeAll(async () => {
    const places = waysBefore7.map((way) => project(compiler, way, program));
    const all = await faultsOf(compiler, [...places, project('wrong', 'node10, CommonJS', wrong)]);
    faults = Object.fromEntries(waysBefore7.map((way, index) => [way, all[index]]));
    faultsOfWrongUse = all.at(-1);
  }, 240_000);

  it('accepts what users write, in every way to resolve modules', () => {
    expect(faults).toEqual(Object.fromEntries(waysBefore7.map((way) => [way, ''])));
  });

  it('finds a wrong use', () => {
    expect(faultsOfWrongUse).toMatch(/'baseUrl' does not exist/);
  });
});

describe('TypeScript 7', () => {
  it.each(waysOfVersion7)(
    'accepts what users write, and the declarations of all libraries: %s',
    async (way) => {
      await compile(project('typescript-7', way, program));
    },
    60_000,
  );

  it('finds a wrong use', async () => {
    // The tests above have checked the declarations of all libraries.
    const compiled = compile(project('wrong', 'bundler', wrong), '--skipLibCheck');
    await expect(compiled).rejects.toThrow(/'baseUrl' does not exist/);
  }, 60_000);
});

describe('what they compile', () => {
  const program = `
    const loaded = await Promise.all(process.argv.slice(1).map((path) => import(path)));
    console.log(JSON.stringify(await Promise.all(loaded.map((each) => each.run()))));`;

  it.each(['20', '22', '24'])(
    'runs on Node %s, with the AxiosError of its own axios',
    async (version) => {
      const { stdout, stderr } = await run(await nodeOf(version), '--input-type=module', '-e', program, ...outputs);
      expect({ stdout, stderr }).toEqual({ stdout: `${JSON.stringify(outputs.map(() => true))}\n`, stderr: '' });
    },
    120_000,
  );
});
