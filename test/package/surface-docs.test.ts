/** What the package promises: every exported name, types too, is recorded and has a doc comment, and so have its members. */
import { describe, expect, it } from 'vitest';
import { declarationsOf, type Exported, exportedBy } from './surface-types.js';

const entries = ['index.ts', 'testing/index.ts', 'nestjs/index.ts', 'metrics/index.ts', 'admin/index.ts'];

describe.each(entries)('%s', (entry) => {
  const exported = exportedBy(entry);

  it('exports these names', async () => {
    const names = exported.map(({ name, isType }) => `${isType ? 'type ' : ''}${name}`).sort();
    expect(new Set(names).size).toBe(names.length);
    await expect(`${names.join('\n')}\n`).toMatchFileSnapshot(
      `surface/${entry.replace(/\/?index\.ts$/, '') || 'pillion'}.txt`,
    );
  });

  it.each(exported.map((each) => [each.name, each] as const))('documents %s', (_, each) => {
    const declarations = declarationsOf(each);
    expect(declarations.length, `the declaration in ${each.file} was found`).toBeGreaterThan(0);
    for (const { before, text } of declarations.slice(0, 1)) {
      expect(before.endsWith('*/'), 'a comment stands before it').toBe(true);
      expect(undocumented(text)).toEqual([]);
    }
  });
});

/** Members of an interface or class that no comment stands before. */
function undocumented(text: string): string[] {
  if (!/^(?:@[^\n]*\n)*export interface/.test(text)) return [];
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const [, member] = /^ {2}(?:readonly )?'?([\w.]+)'?[?(<:]/.exec(line) ?? [];
    return member === undefined || lines[index - 1]?.trimEnd().endsWith('*/') ? [] : [member];
  });
}

it('finds a member without a comment', () => {
  expect(undocumented('export interface A {\n  /** Yes. */\n  a: string;\n  b?: number;\n')).toEqual(['b']);
  const [first] = exportedBy('index.ts') as [Exported];
  expect(declarationsOf(first)).not.toEqual([]);
});
