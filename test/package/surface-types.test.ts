/** What each entry of the package declares to its users, recorded: a changed signature is seen in review. */
import { describe, expect, it } from 'vitest';
import { type Declaration, entries, exportsOf, reachableFrom, sourceOf } from './declarations.js';
import { print } from './parser.js';

const main = new Set(reachableFrom(entries.pillion).map(({ node }) => node));

describe.each(Object.entries(entries))('the declarations of %s', (name, file) => {
  it('are the recorded ones (renew them by npm run build and vitest -u)', async () => {
    // What can be reached from the main entry is recorded there alone.
    const own = reachableFrom(file).filter(({ node }) => name === 'pillion' || !main.has(node));
    const report = [namesOf(file), ...filesOf(own).map((each) => textOf(each, own))].join('\n');
    await expect(report).toMatchFileSnapshot(`surface/${name}.txt`);
  });
});

/** The exported names: those that are there at run time, then types. */
function namesOf(file: string): string {
  const lines = exportsOf(file).map(({ name, onlyType }) => `${onlyType ? 'type ' : ''}${name}`);
  expect(new Set(lines).size).toBe(lines.length);
  return `${lines.sort().join('\n')}\n`;
}

const filesOf = (declarations: readonly Declaration[]) => [...new Set(declarations.map(({ file }) => file))];

function textOf(file: string, declarations: readonly Declaration[]): string {
  const here = declarations.filter((each) => each.file === file);
  return [`// ${file}`, ...here.map(({ node }) => print(node, sourceOf(file).tree)), ''].join('\n');
}
