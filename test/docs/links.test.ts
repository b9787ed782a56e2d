/** Markdown: every link within the project leads somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = [
  'README.md',
  'CHANGELOG.md',
  ...under('.github'),
  ...under('docs'),
  ...under('examples'),
  ...under('test/bench'),
];

function under(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

const read = (path: string) => readFileSync(join(root, path), 'utf8').replace(/```.*?```/gs, '');

/** As GitHub makes them of headings. */
function anchors(path: string): string[] {
  const headings = [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

const links = pages.flatMap((page) =>
  [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link))
    .map((link) => [page, link] as const),
);

describe('a link', () => {
  it('is found by this test', () => {
    expect(links.length).toBeGreaterThan(10);
  });

  it.each(links)('in %s to %s leads somewhere', (page, link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    expect(existsSync(join(root, target)), target).toBe(true);
    if (anchor !== undefined) expect(anchors(target)).toContain(anchor);
  });
});
