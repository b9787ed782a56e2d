/** Builds `dist/esm` and `dist/cjs` from one source; `tsc` has written the declarations before. */
import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'rolldown';
import pkg from './package.json' with { type: 'json' };

const entries = ['index', 'testing/index', 'nestjs/index', 'metrics/index', 'admin/index'];
const libraries = Object.keys({ ...pkg.dependencies, ...pkg.peerDependencies });

/** The floors that make one client: in one file, because CommonJS reads each name of another file through a getter. */
const client = /\/src\/(call|options|policies|transport|client)\//;

/** The file for a module: one for a client, one for each further folder of `src`, and the entries as they are. */
function fileOf(id: string): string | null {
  if (client.test(id)) return 'client';
  // Helpers for decorators, which only pillion/nestjs has.
  if (id.includes('@oxc-project')) return 'nestjs';
  if (id.endsWith('.md')) return 'admin';
  return /\/src\/(\w+)\/(?!index\.ts$)/.exec(id)?.[1] ?? null;
}

/** What is different in the folder of the CommonJS build. */
const commonJs: Plugin = {
  name: 'files-of-commonjs',
  generateBundle() {
    // Node and TypeScript take files for CommonJS by this one, though the package is an ES module.
    this.emitFile({ type: 'asset', fileName: 'package.json', source: '{ "type": "commonjs" }\n' });
    // axios's types for CommonJS are others. `tsc` has written this file before, from axios-error.ts.
    const source = readFileSync('src/call/axios-error.d.cts', 'utf8');
    this.emitFile({ type: 'asset', fileName: 'call/axios-error.d.ts', source });
  },
};

const build = (format: 'esm' | 'cjs', names: readonly string[], plugins: Plugin[] = []) => ({
  input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
  platform: 'node' as const,
  external: libraries.map((name) => new RegExp(`^${name}(/|$)`)),
  preserveEntrySignatures: 'allow-extension' as const,
  // The admin handler serves docs/runbook.md.
  moduleTypes: { '.md': 'text' as const },
  plugins,
  output: {
    format,
    dir: `dist/${format}`,
    chunkFileNames: 'code/[name].js',
    minifyInternalExports: false,
    externalLiveBindings: false,
    codeSplitting: { includeDependenciesRecursively: false, groups: [{ debugName: 'folders', name: fileOf }] },
  },
});

// The command line is a program, which nobody requires.
export default defineConfig([build('esm', [...entries, 'cli/pillion']), build('cjs', entries, [commonJs])]);
