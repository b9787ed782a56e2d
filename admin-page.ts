/** Builds the admin page: puts the script and the style of page.html into it, for rolldown and for the tests alike. */
import { readFileSync } from 'node:fs';
import { build } from 'rolldown';

const file = (name: string) => new URL(`src/admin/page/${name}`, import.meta.url).pathname;
const id = '\0admin-page';

/** The page as one document that loads no other file. */
async function pageDocument(): Promise<string> {
  const { output } = await build({
    input: file('script.ts'),
    platform: 'browser',
    write: false,
    logLevel: 'warn',
    output: { format: 'iife', minify: true },
  });
  // A script ends at the first "</script", in a string too.
  const script = output[0].code.trim().replaceAll('</script', '<\\/script');
  const style = readFileSync(file('page.css'), 'utf8');
  // Functions, because `$` has a meaning in a replacement text.
  return readFileSync(file('page.html'), 'utf8')
    .replace(/<link rel="stylesheet"[^>]*>/, () => `<style>${style.replace(/\/\*.*?\*\/|^ +/gms, '').trim()}</style>`)
    .replace(/<script [^>]*><\/script>/, () => `<script>${script}</script>`);
}

/** A plugin of rolldown and of Vite: `import page from './page/page.html'` is the whole page as a string. */
export function adminPage() {
  return {
    name: 'admin-page',
    enforce: 'pre' as const,
    resolveId: (source: string) => (source.endsWith('/page/page.html') ? id : null),
    async load(module: string) {
      return module === id ? `export default ${JSON.stringify(await pageDocument())};` : null;
    },
  };
}
