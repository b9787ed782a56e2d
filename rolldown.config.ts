/** Builds `dist/esm` and `dist/cjs` from one source; `tsc` has written the declarations before. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { build as bundle, defineConfig, type Plugin } from 'rolldown';
import pkg from './package.json' with { type: 'json' };

const entries = ['index', 'testing/index', 'nestjs/index', 'metrics/index', 'admin/index', 'sidecar/index'];
/** Packed into the build: its files, with the words of 50 languages, take 40 ms to load, and what is needed of them 5. */
const packed = 'zod';
const licence = readFileSync(`node_modules/${packed}/LICENSE`, 'utf8')
  .trim()
  .replace(/^/gm, ' * ')
  .replace(/ +$/gm, '');
const libraries = Object.keys({ ...pkg.dependencies, ...pkg.peerDependencies }).filter((name) => name !== packed);

const versionOf = (name: string) =>
  (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version;

/** The floors that make one client: in one file, because CommonJS reads each name of another file through a getter. */
const client = /\/src\/(call|options|policies|transport|client)\//;

/** The file for a module: one for a client, one for each further folder of `src`, and the entries as they are. */
function fileOf(id: string): string | null {
  if (client.test(id)) return 'client';
  if (id.includes(`/node_modules/${packed}/`)) return packed;
  if (id === pageId) return 'admin';
  // Helpers for decorators, which only pillion/nestjs has.
  if (id.includes('@oxc-project')) return 'nestjs';
  if (id.endsWith('.md')) return 'admin';
  return /\/src\/(\w+)\/(?!index\.ts$)/.exec(id)?.[1] ?? null;
}

const pageFile = (name: string) => new URL(`src/admin/page/${name}`, import.meta.url).pathname;
const pageId = '\0admin-page';

/** The page as one document that loads no other file. */
async function pageDocument(): Promise<string> {
  const { output } = await bundle({
    input: pageFile('script.ts'),
    platform: 'browser',
    write: false,
    logLevel: 'warn',
    output: { format: 'iife', minify: true },
  });
  // A script ends at the first "</script", in a string too.
  const script = output[0].code.trim().replaceAll('</script', '<\\/script');
  const style = readFileSync(pageFile('page.css'), 'utf8');
  // Functions, because `$` has a meaning in a replacement text.
  return readFileSync(pageFile('page.html'), 'utf8')
    .replace(/<link rel="stylesheet"[^>]*>/, () => `<style>${style.replace(/\/\*.*?\*\/|^ +/gms, '').trim()}</style>`)
    .replace(/<script [^>]*><\/script>/, () => `<script>${script}</script>`);
}

/** A plugin of rolldown and of Vite: `import page from './page/page.html'` is the whole page as a string. */
export function adminPage() {
  return {
    name: 'admin-page',
    enforce: 'pre' as const,
    resolveId: (source: string) => (source.endsWith('/page/page.html') ? pageId : null),
    async load(module: string) {
      return module === pageId ? `export default ${JSON.stringify(await pageDocument())};` : null;
    },
  };
}

/** Files that load libraries stay as they are: bundlers would not follow the `require` that an ES module makes itself. */
const onDemandFiles = ['call/on-demand', 'registry/file/yaml-on-demand', 'sidecar/undici-on-demand'];

const onDemand: Plugin = {
  name: 'on-demand',
  resolveId: (source) => (/on-demand\.cjs$/.test(source) ? { id: `./${basename(source)}`, external: true } : null),
  generateBundle() {
    for (const path of onDemandFiles) {
      const source = readFileSync(`src/${path}.cjs`, 'utf8');
      this.emitFile({ type: 'asset', fileName: `code/${basename(path)}.cjs`, source });
    }
  },
};

/** With one character beyond Latin-1 V8 keeps the text of a file in two bytes a character, and scans it a tenth slower. */
const ascii: Plugin = {
  name: 'ascii',
  generateBundle(_, files) {
    for (const file of Object.values(files))
      if (file.type === 'chunk') file.code = file.code.replace(/\P{ASCII}/gu, escaped);
  },
};

function escaped(character: string): string {
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
  return units.map((unit) => `\\u${unit}`).join('');
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
  plugins: [adminPage(), onDemand, ascii, ...plugins],
  output: {
    format,
    dir: `dist/${format}`,
    chunkFileNames: 'code/[name].js',
    banner: ({ name }: { name: string }) =>
      name === packed ? `/*! ${packed} ${versionOf(packed)}\n${licence}\n */` : '',
    minifyInternalExports: false,
    externalLiveBindings: false,
    // The declarations have them. Half of the text of a file is read and scanned for nothing otherwise.
    comments: { jsdoc: false },
    codeSplitting: { includeDependenciesRecursively: false, groups: [{ debugName: 'folders', name: fileOf }] },
  },
});

// The command line is a program, which nobody requires.
export default defineConfig([build('esm', [...entries, 'cli/pillion']), build('cjs', entries, [commonJs])]);
