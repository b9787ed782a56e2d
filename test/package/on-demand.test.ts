/** What loading the package loads, and that each part which is loaded on demand works: as ES module, as CommonJS and in bundles. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createH2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority } from '../support/certificates.js';
import { node, type Outcome, root, runIn } from './run.js';

/** Prints the packages and the modules of Node that `name` loads beyond those of axios. */
const loads = (way: 'import' | 'require', name: string) => `
import { createRequire, register } from 'node:module';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
const require = createRequire(process.cwd() + '/x.js');
const log = process.argv[1];
writeFileSync(log, '');
register('data:text/javascript,' + encodeURIComponent(\`
import { appendFileSync } from 'node:fs';
export const load = (url, context, next) => (appendFileSync(\${JSON.stringify(log)}, url + '\\\\n'), next(url, context));\`));
const load = (name) => ('${way}' === 'require' ? require(name) : import(name));
const packages = () => {
  const paths = [...Object.keys(require.cache), ...readFileSync(log, 'utf8').split('\\n')];
  return new Set(paths.flatMap((path) => /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(path)?.[1] ?? []));
};
const builtins = () => new Set(process.moduleLoadList.flatMap((each) => /^NativeModule (?!internal)(.*)/.exec(each)?.[1] ?? []));
await load('axios');
const before = { packages: packages(), builtins: builtins() };
await load('${name}');
const more = (now, known) => [...now].filter((each) => !known.has(each)).sort();
console.log(JSON.stringify({ packages: more(packages(), before.packages), builtins: more(builtins(), before.builtins) }));`;

/** The ES module of axios loads `proxy-from-env` itself. */
const ours = {
  import: ['axios-retry', 'is-retry-allowed', 'opossum'],
  require: ['axios-retry', 'is-retry-allowed', 'opossum', 'proxy-from-env'],
};
const ofNode = ['dns', 'fs/promises'];

describe('loading', () => {
  let log: string;
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'loads-'));
    log = join(folder, 'log');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['pillion', ofNode],
    ['pillion/testing', [...ofNode, 'stream/consumers']],
    ['pillion/metrics', ofNode],
    ['pillion/admin', ofNode],
    ['pillion/sidecar', ofNode],
  ])(
    '%s, by import and by require, loads two libraries beside axios, and nothing that only some calls need',
    async (name, builtins) => {
      for (const way of ['import', 'require'] as const) {
        const { stdout, stderr } = await node('--input-type=module', '-e', loads(way, name), log);
        expect(stderr).toBe('');
        expect(JSON.parse(stdout), way).toEqual({ packages: ours[way], builtins });
      }
    },
  );
});

describe('what is loaded on demand', () => {
  let folder: string;
  let targets: Record<string, string>;
  const servers: Server[] = [];
  const listen = async (server: Server) => {
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const path = (name: string, text = '') => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'on-demand-'));
    const ca = await authority('on demand');
    const { cert, key } = await ca.issue({ name: 'localhost', dns: ['localhost'] });
    const answer =
      (text: string) => (request: { url?: string }, response: { statusCode: number; end(text: string): void }) => {
        response.statusCode = request.url === '/503' ? 503 : 200;
        response.end(text);
      };
    const http = `http://${await listen(createServer(answer('plain') as never))}`;
    targets = {
      http,
      h2c: `http://${await listen(createH2Server(answer('h2') as never))}`,
      https: `https://${await listen(createHttpsServer({ cert, key }, answer('secure') as never))}`.replace(
        '127.0.0.1',
        'localhost',
      ),
      ca: path('ca.pem', ca.cert),
      config: path('clients.yaml', `clients:\n  orders:\n    baseURL: ${http}\n`),
    };
  });
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  const uses = join(root, 'test/package/first-uses.mjs');
  const given = () => JSON.stringify(targets);

  function stepsOf({ code, stdout, stderr }: Outcome): Record<string, { result: unknown; loaded: string[] }> {
    expect(code, stderr).toBe(0);
    const line = stderr.split('\n').find((each) => each.includes('"level":50')) ?? stderr;
    expect(JSON.parse(line)).toMatchObject({ msg: expect.stringContaining('503') });
    return JSON.parse(stdout);
  }

  const results = {
    import: 'function',
    call: 'plain',
    'HTTP/2': 'h2',
    'TLS files': 'secure',
    'a mistyped option': expect.stringContaining('did you mean "retry"?'),
    YAML: 'plain',
    tracing: ['call GET', 'GET'],
    'default logger': 'written',
  };
  const resultsOf = (steps: ReturnType<typeof stepsOf>) =>
    Object.fromEntries(Object.entries(steps).map(([name, { result }]) => [name, result]));

  it.each(['import', 'require'])('by %s, comes with its first use and not before', async (way) => {
    const load = way === 'import' ? `await import('pillion')` : `createRequire(process.cwd() + '/x.js')('pillion')`;
    const script = `import { createRequire } from 'node:module';
import { useAll } from ${JSON.stringify(uses)};
await useAll(${load}, ${given()});`;
    const steps = stepsOf(await node('--input-type=module', '-e', script));
    expect(resultsOf(steps)).toEqual(results);
    const libraries = ['undici', 'fastest-levenshtein', 'yaml', '@opentelemetry/api', 'pino'];
    const counts = Object.entries(steps).map(([name, { loaded }]) => {
      expect(loaded, name).toEqual(libraries.slice(0, loaded.length));
      return [name, loaded.length];
    });
    const grown = { 'a mistyped option': 2, YAML: 3, tracing: 4, 'default logger': 5 };
    expect(Object.fromEntries(counts)).toEqual({ import: 0, call: 1, 'HTTP/2': 1, 'TLS files': 1, ...grown });
  });

  const entry = () =>
    `import * as pillion from 'pillion';\nimport { useAll } from ${JSON.stringify(uses)};\nuseAll(pillion, ${given()});\n`;
  const inRoot = (name: string) => join(root, `.on-demand-${process.pid}-${name}.mjs`);

  /** In a folder without `node_modules`: whatever a bundler did not follow is missing. */
  async function runBundle(file: string): Promise<void> {
    expect(resultsOf(stepsOf(await runIn(folder, {}, process.execPath, file)))).toEqual(results);
  }

  it.each(['esm', 'cjs'] as const)(
    'is found by rolldown, which packs it into an application of the form %s',
    async (format) => {
      const input = inRoot(format);
      writeFileSync(input, entry());
      try {
        const bundle = await rolldown({ input, platform: 'node', tsconfig: false, logLevel: 'silent' } as never);
        const file = join(folder, `rolldown.${format === 'esm' ? 'mjs' : 'cjs'}`);
        await bundle.write({ file, format, codeSplitting: false });
        await runBundle(file);
      } finally {
        rmSync(input);
      }
    },
  );

  const esbuild = esbuildIfThere();
  it.skipIf(esbuild === undefined).each(['esm', 'cjs'])(
    'is found by esbuild, which packs it into an application of the form %s',
    async (format) => {
      const outfile = join(folder, `esbuild.${format === 'esm' ? 'mjs' : 'cjs'}`);
      const options = { bundle: true, platform: 'node', format, outfile, tsconfigRaw: '{}', logLevel: 'error' };
      // As every application in this form needs it for CommonJS in a bundle.
      const banner = `import { createRequire as from } from 'node:module'; const require = from(import.meta.url);`;
      await esbuild?.build({
        ...options,
        stdin: { contents: entry(), resolveDir: root },
        ...(format === 'esm' ? { banner: { js: banner } } : { define: { 'import.meta.url': '"file:///"' } }),
      });
      await runBundle(outfile);
    },
  );
});

function esbuildIfThere(): { build(options: object): Promise<unknown> } | undefined {
  try {
    return createRequire(import.meta.url)('esbuild');
  } catch {
    return undefined;
  }
}
