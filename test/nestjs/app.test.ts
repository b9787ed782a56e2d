/**
 * Applications on the Nest versions that are supported, built and called over HTTP: the example, as ES module and as CommonJS,
 * and one with the health indicator in Terminus, compiled with all declarations checked. They share one installation.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { node, root } from '../package/run.js';
import { compile, installProjects, pack, temporary } from '../package/tarball.js';
import { startHttp } from '../support/upstream.js';

const { folder, remove } = temporary('nest');
const peers = ['rxjs@7', 'reflect-metadata@0.2', 'axios@1', '@opentelemetry/api@1.9'];

/** What an application on a version of Nest depends on. */
const nest = (major: number, ...names: string[]) => [
  ...['common', 'core', 'platform-express', ...names].map((name) => `@nestjs/${name}@${major}`),
  ...peers,
];

beforeAll(async () => {
  await installProjects(folder, await pack(folder), {
    'nest-10': nest(10, 'terminus'),
    'nest-11': nest(11, 'terminus'),
    'nest-12': nest(12, 'terminus'),
  });
}, 180_000);
afterAll(remove, 60_000);

/** The compiler options of a project of `nest new`. */
const newProject = {
  ...{ target: 'ES2022', module: 'NodeNext', strict: true, outDir: 'out', rootDir: 'src' },
  ...{ experimentalDecorators: true, emitDecoratorMetadata: true },
  ...{ types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
};

/** The application as users have it: a project of its own with its own compiler options. */
function project(home: string, type: 'module' | 'commonjs'): string {
  const target = join(home, type);
  mkdirSync(target, { recursive: true });
  cpSync(join(root, 'examples/nestjs'), join(target, 'src'), {
    recursive: true,
    filter: (path) => !path.endsWith('.json'),
  });
  writeFileSync(join(target, 'package.json'), JSON.stringify({ private: true, type }));
  const compilerOptions = { ...newProject, skipLibCheck: true };
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

it('is an example that imports what it tells to install, and not what stands there for Terminus', () => {
  const files = readdirSync(join(root, 'examples/nestjs')).filter((name) => name.endsWith('.ts'));
  const texts = files.map((name) => readFileSync(join(root, 'examples/nestjs', name), 'utf8'));
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/(?:from|import) '([^.'][^']*)'/g)].map(([, name]) => name),
  );
  const packages = ['@nestjs/common', '@nestjs/core', 'pillion', 'pillion/nestjs', 'reflect-metadata'];
  expect([...new Set(imported)].sort()).toEqual(packages);
});

describe.each([11, 12])('on Nest %d', (major) => {
  const home = join(folder, `nest-${major}`);

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

describe.each([10, 11, 12])('with Terminus %d', (major) => {
  it('compiles, tells the health of an HttpModule, and failures of its upstream are 502', async () => {
    const home = join(folder, `nest-${major}`, 'terminus');
    mkdirSync(home);
    const compilerOptions = { ...newProject, skipLibCheck: false };
    writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    cpSync(join(root, 'test/projects/nest-terminus'), join(home, 'src'), { recursive: true });
    await compile(home);
    const { stdout, stderr } = await node(join(home, 'out/main.js'));
    expect(stderr).toBe('');
    const closed = { status: 'error', legacy: ['the client is closed'] };
    const { closed: read, ...told } = JSON.parse(stdout);
    expect(told).toEqual({
      up: { code: 200, status: 'up' },
      refused: { code: 502 },
      open: { code: 200, status: 'up', legacy: ['the circuit is forced open'] },
      // Terminus 12 takes no rejection for a result.
      thrown: major === 12 ? { code: 500 } : { code: 503, ...closed, status: 'down' },
      apart: true,
    });
    // Terminus 10 reads no status.
    expect(read).toEqual({ code: major === 10 ? 200 : 503, ...closed, status: 'down' });
  }, 60_000);
});
