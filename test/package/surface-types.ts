/** The names that an entry exports, types too, and where each is declared. */
import { readFileSync } from 'node:fs';
import { join, normalize } from 'node:path/posix';

const folder = new URL('../../src/', import.meta.url).pathname;

export interface Exported {
  readonly name: string;
  readonly isType: boolean;
  /** From src. */
  readonly file: string;
}

/** Of an `index.ts`, which has nothing but `export … from`. */
export function exportedBy(entry: string): Exported[] {
  const text = readFileSync(join(folder, entry), 'utf8');
  const statements = [...text.matchAll(/export\s+(type\s+)?\{([^}]*)\}\s*from\s*'([^']+)'/g)];
  return statements.flatMap(([, allTypes, list = '', module = '']) =>
    list
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .map((each) => ({
        name: each.replace(/^type /, ''),
        isType: allTypes !== undefined || each.startsWith('type '),
        file: normalize(join(entry, '..', module.replace(/\.js$/, '.ts'))),
      })),
  );
}

/** The declarations of a name, each with the text right before it. */
export function declarationsOf({ name, file }: Exported): { before: string; text: string }[] {
  const text = readFileSync(join(folder, file), 'utf8');
  const pattern = new RegExp(
    `^(?:@[^\\n]*\\n)*export (?:interface|type|class|(?:async )?function|const) ${name}\\b`,
    'gm',
  );
  return [...text.matchAll(pattern)].map(({ index }) => {
    const rest = text.slice(index);
    const end = rest.search(/^[})]/m);
    return { before: text.slice(0, index).trimEnd(), text: end < 0 ? rest : rest.slice(0, end) };
  });
}
