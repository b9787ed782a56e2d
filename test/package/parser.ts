/** TypeScript's parser: TypeScript 7 has no API in JavaScript, so this is the one that are-the-types-wrong brings along. */
import { createRequire } from 'node:module';

/** A node of the syntax tree, as far as the tests of the package look at it. */
export interface Node {
  readonly kind: number;
  readonly text?: string;
  readonly name?: Node;
  readonly parent: Node;
  readonly isTypeOnly?: boolean;
  readonly modifiers?: readonly Node[];
  readonly members?: readonly Node[];
  readonly type?: Node;
  readonly statements?: readonly Node[];
  readonly declarationList?: { readonly declarations: readonly Node[] };
  readonly moduleSpecifier?: Node;
  readonly importClause?: { readonly name?: Node; readonly namedBindings?: Bindings };
  readonly exportClause?: Bindings;
  readonly propertyName?: Node;
  readonly left?: Node;
  readonly argument?: { readonly literal: Node };
  readonly qualifier?: Node;
  readonly expression?: Node;
  readonly arguments?: readonly Node[];
  readonly jsDoc?: readonly Node[];
}

interface Bindings {
  readonly name?: Node;
  readonly elements?: readonly Node[];
}

interface Compiler {
  readonly SyntaxKind: Record<string, number> & Record<number, string>;
  readonly ScriptTarget: { readonly Latest: number };
  readonly EmitHint: { readonly Unspecified: number };
  createSourceFile(name: string, text: string, target: number, setParentNodes: boolean): Node;
  createPrinter(options: { removeComments: boolean }): { printNode(hint: number, node: Node, file: Node): string };
  forEachChild(node: Node, visit: (child: Node) => void): void;
}

const require = createRequire(import.meta.url);
const ts = createRequire(require.resolve('@arethetypeswrong/core'))('typescript') as Compiler;
const printer = ts.createPrinter({ removeComments: true });

export const parse = (name: string, text: string) => ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
export const isKind = (node: Node | undefined, ...kinds: string[]) =>
  node !== undefined && kinds.some((kind) => ts.SyntaxKind[kind] === node.kind);
export const kindOf = ({ kind }: Node) => ts.SyntaxKind[kind] ?? '';
export const eachChild = (node: Node, visit: (child: Node) => void) => ts.forEachChild(node, visit);

/** The node's text in a form of its own, without comments. */
export const print = (node: Node, file: Node) => printer.printNode(ts.EmitHint.Unspecified, node, file);
