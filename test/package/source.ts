/** The source files and what each imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';

const folder = new URL('../../src/', import.meta.url);

export interface SourceFile {
  /** From src, such as `policies/retry.ts`. */
  readonly path: string;
  readonly text: string;
  /** Modules it imports at run time or for types: files by their path from src, libraries by their name. */
  readonly imports: readonly string[];
  /** Those that are there at run time. */
  readonly runtime: readonly string[];
}

const statement = /^(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'|^import\s+(type\s)?'([^']+)'/gm;

export function sourceFiles(): SourceFile[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  return paths
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => {
      const text = readFileSync(new URL(path, folder), 'utf8');
      const found = [...text.matchAll(statement)].map((match) => ({
        module: resolve(path, match[2] ?? match[4] ?? ''),
        types: match[1] !== undefined,
      }));
      const imports = found.map(({ module }) => module);
      return { path, text, imports, runtime: found.filter(({ types }) => !types).map(({ module }) => module) };
    });
}

function resolve(from: string, module: string): string {
  if (!module.startsWith('.')) return libraryOf(module);
  return normalize(join(dirname(from), module)).replace(/\.js$/, '.ts');
}

/** `@scope/name/deep` and `name/deep` without what comes after the name. */
function libraryOf(module: string): string {
  if (module.startsWith('node:')) return module;
  return module.split('/', module.startsWith('@') ? 2 : 1).join('/');
}
