/** The package as its users have it: with each test runner, compiler and bundler, configured as by default. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { startHttp } from '../support/upstream.js';
import { root, runIn } from './run.js';
import { kept } from './shelf.js';
import { installLocked, pack, temporary, unpack } from './tarball.js';

const projects = join(root, 'test/projects');
const { folder, remove } = temporary('projects');
const minute = 60_000;

/** Where projects stand beside the tools that a lock file names. */
interface Workplace {
  readonly folder: string;
  /** The folder of the tools' programs. */
  readonly bin: string;
}

/** The tools are kept for the next run; the projects and the package are new in each, and found from there. */
async function workplace(tools: string, tarball: string, names: readonly string[]): Promise<Workplace> {
  const from = join(projects, tools);
  const hash = createHash('sha256')
    .update(readFileSync(join(from, 'package-lock.json')))
    .digest('hex');
  const place = await kept('tools', hash.slice(0, 16), async (own) => {
    cpSync(from, own, { recursive: true });
    await installLocked(own);
  });
  const folder = mkdtempSync(join(place, 'run-'));
  for (const name of names) cpSync(join(projects, name), join(folder, name), { recursive: true });
  await unpack(tarball, join(folder, 'node_modules/pillion'));
  return { folder, bin: join(place, 'node_modules/.bin') };
}

let current: Workplace;
let withJest29: Workplace;

beforeAll(async () => {
  const tarball = await pack(folder);
  [current, withJest29] = await Promise.all([
    workplace('tools', tarball, ['nest', 'javascript', 'modules', 'node-test', 'program']),
    workplace('tools-jest-29', tarball, ['nest']),
  ]);
  symlinkSync(join(root, 'node_modules/vitest'), join(current.folder, 'node_modules/vitest'));
}, 5 * minute);
afterAll(() => {
  remove();
  for (const each of [current, withJest29]) rmSync(each.folder, { recursive: true, force: true });
});

/** Runs a program of the tools in a project, by the Node of this process. */
function inProject({ folder, bin }: Workplace, project: string, command: readonly string[], env = {}) {
  const PATH = [bin, dirname(process.execPath), process.env.PATH].join(delimiter);
  const [file = '', ...args] = command.map((word) => word.replace('BIN', bin));
  return runIn(join(folder, project), { PATH, CI: '1', NO_COLOR: '1', ...env }, file, ...args);
}

it('is tested with the dependencies that the package names', () => {
  const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as { dependencies: object };
  const { dependencies } = read('package.json');
  for (const tools of ['tools', 'tools-jest-29'])
    expect(read(`test/projects/${tools}/package.json`).dependencies).toMatchObject(dependencies);
});

describe('test runners load it, call a server and mock it', () => {
  const jest = ['jest', '--cacheDirectory=../jest', '--detectOpenHandles'];

  it.each<[string, () => Workplace, string, string[], number]>([
    ['jest 30 and ts-jest, as Nest has them', () => current, 'nest', jest, 62],
    ['jest 29 and ts-jest, as Nest had them', () => withJest29, 'nest', jest, 62],
    ['jest 30 and swc', () => current, 'nest', [...jest, '--config=jest.swc.config.js'], 62],
    ['jest 30 and JavaScript, by Babel', () => current, 'javascript', jest, 3],
    [
      'jest 30 and ES modules',
      () => current,
      'modules',
      ['node', '--experimental-vm-modules', `BIN/${jest[0]}`, ...jest.slice(1)],
      2,
    ],
  ])(
    '%s',
    async (_, place, project, command, tests) => {
      const { code, stdout, stderr } = await inProject(place(), project, command);
      expect(stderr).toContain(`Tests:       ${tests} passed, ${tests} total`);
      expect(stderr + stdout).not.toMatch(/open handle|did not exit/);
      expect(code).toBe(0);
    },
    3 * minute,
  );

  it(
    'vitest',
    async () => {
      const vitest = join(root, 'node_modules/vitest/vitest.mjs');
      const { code, stdout } = await inProject(current, 'modules', ['node', vitest, 'run']);
      expect(stdout).toMatch(/Tests +3 passed/);
      expect(code).toBe(0);
    },
    3 * minute,
  );

  it(
    'node:test, in CommonJS and in ES modules',
    async () => {
      const command = ['node', '--test', 'billing.test.cjs', 'billing.test.mjs'];
      const { code, stdout } = await inProject(current, 'node-test', command);
      expect(stdout).toMatch(/ fail 0\n/);
      expect(code).toBe(0);
    },
    minute,
  );
});

/** Runs a program against an upstream; the last thing that it says is what it has found out. */
async function expectToWork(command: readonly string[]): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const { origin } = await startHttp(answer(503), (request, response) =>
    answer(request.url === '/missing' ? 404 : 200, JSON.stringify(request.url), json)(request, response),
  );
  const { code, stdout, stderr } = await inProject(current, 'program', command, { UPSTREAM: origin });
  expect(stderr + stdout).toContain('"msg":"GET 404"');
  const said = stdout.split('\n').find((line) => line.startsWith('{"answers"'));
  expect(said, stderr).toBeDefined();
  const answers = ['/fast', '/axios', '/form', '/fetched', 'scripted'];
  expect(JSON.parse(said ?? '')).toEqual({ answers, isAxiosError: true, status: 'up', counted: true });
  expect(code).toBe(0);
}

describe('compilers that load TypeScript', () => {
  beforeAll(() => {
    cpSync(join(current.folder, 'program/main.ts'), join(current.folder, 'program/main.mts'));
  });

  it.each([
    ['ts-node', ['ts-node', 'main.ts']],
    ['tsx, in CommonJS', ['tsx', 'main.ts']],
    ['tsx, in an ES module', ['tsx', 'main.mts']],
    ['swc, in CommonJS', ['node', '-r', '@swc-node/register', 'main.ts']],
    ['swc, in an ES module', ['node', '--import', '@swc-node/register/esm-register', 'main.mts']],
  ])('%s', (_, command) => expectToWork(command), 2 * minute);
});

describe('bundles work', () => {
  const esbuild = ['esbuild', 'main.ts', '--bundle', '--platform=node', '--log-level=error'];
  const required = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

  it.each<[string, string[], string[]]>([
    ['esbuild, as CommonJS', [...esbuild, '--outfile=out/esbuild.cjs'], ['esbuild.cjs']],
    [
      'esbuild, as an ES module',
      [...esbuild, '--format=esm', `--banner:js=${required}`, '--outfile=out/esbuild.mjs'],
      ['esbuild.mjs'],
    ],
    ['webpack', ['webpack'], ['webpack.cjs']],
    ['rollup, as CommonJS and as an ES module', ['rollup', '-c', '--silent'], ['rollup.cjs', 'rollup.mjs']],
  ])(
    '%s',
    async (_, command, files) => {
      const { code, stdout, stderr } = await inProject(current, 'program', command);
      expect(code, stdout + stderr).toBe(0);
      for (const file of files) await expectToWork(['node', `out/${file}`]);
    },
    3 * minute,
  );
});
