/** The example application: built and called over HTTP, on the Nest versions that are supported, as ES module and as CommonJS. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../package/run.js';
import { compile, install, pack, temporary } from '../package/tarball.js';
import { startHttp } from '../support/upstream.js';

const { folder, remove } = temporary('nest');
let tarball: string;

beforeAll(async () => {
  tarball = await pack(folder);
}, 60_000);
afterAll(remove);

/** The application as users have it: a project of its own with its own compiler options. */
function project(home: string, type: 'module' | 'commonjs'): string {
  const target = join(home, type);
  mkdirSync(target, { recursive: true });
  cpSync(join(root, 'examples/nestjs'), join(target, 'src'), {
    recursive: true,
    filter: (path) => !path.endsWith('.json'),
  });
  writeFileSync(join(target, 'package.json'), JSON.stringify({ private: true, type }));
  const compilerOptions = {
    ...{ target: 'ES2022', module: 'NodeNext', strict: true, skipLibCheck: true, outDir: 'out', rootDir: 'src' },
    ...{
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
  };
  writeFileSync(join(target, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  return target;
}

/** Runs it; resolves once it says where it listens. */
function start(
  target: string,
  env: NodeJS.ProcessEnv,
): Promise<{ url: string; child: ChildProcess; output: () => string }> {
  const child = spawn(process.execPath, ['out/main.js'], { cwd: target, env: { ...process.env, ...env, PORT: '0' } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      text += chunk;
      const [, url] = /listening on (http:\S+)/.exec(text) ?? [];
      if (url !== undefined) resolve({ url, child, output: () => text });
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(text)));
  });
}

describe.each([11, 12])('on Nest %d', (major) => {
  const home = join(folder, `nest-${major}`);

  beforeAll(async () => {
    const nest = ['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@${major}`);
    await install(home, tarball, ...nest, 'rxjs@7', 'reflect-metadata@0.2', 'axios@1', '@opentelemetry/api@1.9');
  }, 180_000);

  it.each(['module', 'commonjs'] as const)(
    'as %s: calls its upstream, tells its health, ends by SIGTERM',
    async (type) => {
      const answers = [503, 200];
      const upstream = await startHttp((_, response) => {
        response.writeHead(answers.shift() ?? 200, { 'content-type': 'application/json' });
        response.end('{"id":"INV-1","total":42}');
      });
      const target = project(home, type);
      await compile(target);
      const { url, child, output } = await start(target, { BILLING_URL: upstream.origin });

      const ask = (path: string, headers = {}) =>
        fetch(`${url}${path}`, { headers: { connection: 'close', ...headers } });
      const answer = await ask('/invoices/INV-1', { 'x-request-id': 'in-1' });
      expect({ status: answer.status, body: await answer.json() }).toEqual({
        status: 200,
        body: { id: 'INV-1', total: 42 },
      });
      expect(upstream.requests.map(({ path, headers }) => [path, headers['x-request-id']])).toEqual([
        ['/invoices/INV-1', 'in-1'],
        ['/invoices/INV-1', 'in-1'],
      ]);
      expect(await (await ask('/health')).json()).toEqual({ http: { status: 'up' } });

      const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
      child.kill('SIGTERM');
      expect([0, 'SIGTERM']).toContain(await ended);
      expect(output()).toMatch(/\[HttpClient\].*GET 200.*client=billing/);
      expect(output()).not.toMatch(/Warning|Error/);
    },
    60_000,
  );
});
