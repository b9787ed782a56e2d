/** Which tests are fast (they stay inside their process and make no more than a few thousand calls), and which need a worker of their own. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Modules that open a socket, start a program or drive a browser. */
const outside =
  /^(node:(http|https|http2|net|tls|dgram|child_process)|@nestjs\/testing|express|fastify|msw|nock|playwright-core)(\/|$)/;

/** Random input and simulations: many thousands of runs. */
const manyRuns = /^test\/(properties|sim)\/|\/fuzz\.test\.ts$/;

/**
 * The test files, as globs from the root, that (1) neither import a module of `outside` nor a file of `test` that does, however
 * deep, types aside; (2) are none of `manyRuns`; and (3) replace no module with `vi.mock`, as fast files share their modules.
 */
export function fastTests(): string[] {
  const known = new Map<string, boolean>();
  const stays = (file: string): boolean => {
    let answer = known.get(file);
    if (answer !== undefined) return answer;
    // Files may import each other in a circle.
    known.set(file, true);
    const text = readFileSync(file, 'utf8');
    answer =
      !text.includes('vi.mock(') &&
      importsOf(file, text).every((name) => (name.startsWith(root) ? stays(name) : !outside.test(name)));
    known.set(file, answer);
    return answer;
  };
  return testFiles().filter((name) => !manyRuns.test(name) && stays(join(root, name)));
}

/** Replaces a module, or what node:http and undici do for the whole process. */
const mocking = /vi\.mock\(|from '(nock|msw)|setGlobalDispatcher\(/;

/** The test files that need a worker of their own: what they replace would be replaced for other files too. */
export function mockingTests(): string[] {
  return testFiles().filter((name) => mocking.test(readFileSync(join(root, name), 'utf8')));
}

/** Every test file, from the root. */
function testFiles(): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => relative(root, join(root, 'test', name)).replaceAll('\\', '/'));
}

/** Packages by their names, files of `test` by their paths; other files are left out. */
function importsOf(file: string, text: string): string[] {
  const statements = text.matchAll(/^(?:import(?! type)|export) [^;'`]*?'([^']+)';$/gm);
  return [...statements].flatMap(([, name = '']) => {
    if (!name.startsWith('.')) return [name];
    const path = join(dirname(file), name).replace(/\.js$/, '.ts');
    return path.startsWith(join(root, 'test/')) && path.endsWith('.ts') ? [path] : [];
  });
}
