/** Every exported name and each of its members has a doc comment, in what an editor shows: the declarations of dist. */
import { describe, expect, it } from 'vitest';
import { type Declaration, entries, exportsOf } from './declarations.js';
import { isKind, kindOf, type Node, parse } from './parser.js';

describe.each(Object.entries(entries))('%s', (_, file) => {
  it.each(exportsOf(file).map((each) => [each.name, each.declarations] as const))(
    'documents %s',
    (name, declarations) => {
      expect(declarations.length, 'its declaration was found').toBeGreaterThan(0);
      expect(undocumented(name, declarations)).toEqual([]);
    },
  );
});

/** The name itself, where none of its declarations has a comment, and each member that has none. */
function undocumented(name: string, declarations: readonly Pick<Declaration, 'node'>[]): string[] {
  const itself = declarations.some(({ node }) => node.jsDoc !== undefined) ? [] : [name];
  const members = declarations.flatMap(({ node }) => membersOf(node)).filter(isPublic);
  // Of overloads one is enough.
  const documented = new Set(members.filter(({ jsDoc }) => jsDoc !== undefined).map(nameOf));
  const bare = new Set(members.map(nameOf).filter((member) => !documented.has(member)));
  return [...itself, ...[...bare].map((member) => `${name}.${member}`)];
}

/** Of a class, an interface, or the object that a type or a constant is. */
function membersOf({ members, type, declarationList }: Node): readonly Node[] {
  const constants = declarationList?.declarations.flatMap((each) => each.type?.members ?? []);
  return members ?? type?.members ?? constants ?? [];
}

const isPublic = ({ name, modifiers = [] }: Node) =>
  !isKind(name, 'PrivateIdentifier') && !modifiers.some((each) => isKind(each, 'PrivateKeyword'));

/** A constructor, a call and an index have no name. */
const nameOf = (node: Node) => node.name?.text ?? kindOf(node);

describe('the walk', () => {
  const statements = (text: string) => (parse('a.d.ts', text).statements ?? []).map((node) => ({ node }));

  it.each([
    ['export declare const a: number;', ['a']],
    ['/** A. */\nexport declare function a(): void;', []],
    ['/** A. */\nexport declare const a: {\n b: 1;\n /** C. */\n c: 2 };', ['a.b']],
    ['/** A. */\nexport interface a {\n /** B. */\n b: string;\n c?: string;\n "d.e": { f: 1 } }', ['a.c', 'a.d.e']],
    ['/** A. */\nexport type a = { b: string };', ['a.b']],
    ['/** A. */\nexport declare class a { #b; private c; d(): void; static e: string; }', ['a.d', 'a.e']],
    ['/** A. */\nexport interface a { (): void; [b: string]: 1 }', ['a.CallSignature', 'a.IndexSignature']],
    ['export declare class a {\n /** B. */\n b(c: 1): void;\n b(c: 2): void; }', ['a']],
  ])('finds what has no comment: %j', (text, missing) => {
    expect(undocumented('a', statements(text))).toEqual(missing);
  });
});
