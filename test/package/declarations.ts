/** The declarations that an entry of the package shows to its users: what it exports, and what that names in turn. */
import { readFileSync } from 'node:fs';
import { join, normalize } from 'node:path/posix';
import { eachChild, isKind, type Node, parse } from './parser.js';
import { root } from './run.js';

/** The entries and what is emitted for each. */
export const entries = {
  pillion: 'index.d.ts',
  testing: 'testing/index.d.ts',
  nestjs: 'nestjs/index.d.ts',
  metrics: 'metrics/index.d.ts',
  admin: 'admin/index.d.ts',
  sidecar: 'sidecar/index.d.ts',
} as const;

export interface Declaration {
  /** From dist/esm, such as `policies/retry.d.ts`. */
  readonly file: string;
  readonly name: string;
  readonly node: Node;
}

/** One emitted file: what it declares, and where the names come from that it does not declare. */
interface Source {
  readonly path: string;
  readonly tree: Node;
  readonly declared: ReadonlyMap<string, readonly Node[]>;
  readonly imported: ReadonlyMap<string, Target>;
  readonly exported: ReadonlyMap<string, Target>;
  /** Its own files that it imports, for their names or only for their effect. */
  readonly neighbours: readonly string[];
}

interface Target {
  readonly module: string;
  readonly name: string;
  /** Exported by `export type`. */
  readonly onlyType?: boolean;
}

const sources = new Map<string, Source>();

export function sourceOf(path: string): Source {
  const known = sources.get(path);
  if (known !== undefined) return known;
  const source = read(path);
  sources.set(path, source);
  return source;
}

function read(path: string): Source {
  const tree = parse(path, readFileSync(join(root, 'dist/esm', path), 'utf8'));
  const declared = new Map<string, Node[]>();
  const imported = new Map<string, Target>();
  const exported = new Map<string, Target>();
  const neighbours: string[] = [];
  for (const node of tree.statements ?? []) {
    const module = node.moduleSpecifier?.text && resolve(path, node.moduleSpecifier.text);
    if (module?.endsWith('.d.ts')) neighbours.push(module);
    if (isKind(node, 'ExportDeclaration') && node.exportClause === undefined) throw new Error(`${path} exports *`);
    for (const each of node.importClause?.namedBindings?.elements ?? [])
      imported.set(textOf(each.name), { module: module ?? '', name: textOf(each.propertyName ?? each.name) });
    for (const each of node.exportClause?.elements ?? []) {
      const onlyType = node.isTypeOnly === true || each.isTypeOnly === true;
      exported.set(textOf(each.name), {
        module: module ?? path,
        name: textOf(each.propertyName ?? each.name),
        onlyType,
      });
    }
    for (const name of namesOf(node)) declared.set(name, [...(declared.get(name) ?? []), node]);
  }
  return { path, tree, declared, imported, exported, neighbours };
}

const textOf = (node: Node | undefined) => node?.text ?? '';

/** The names that a statement declares. */
function namesOf(node: Node): string[] {
  const kinds = ['FunctionDeclaration', 'ClassDeclaration', 'InterfaceDeclaration', 'TypeAliasDeclaration'];
  if (isKind(node, ...kinds)) return [textOf(node.name)];
  return (node.declarationList?.declarations ?? []).map(({ name }) => textOf(name));
}

function resolve(from: string, module: string): string {
  return module.startsWith('.') ? normalize(join(from, '..', module)).replace(/\.js$/, '.d.ts') : module;
}

export interface Exported {
  readonly name: string;
  readonly onlyType: boolean;
  readonly declarations: readonly Declaration[];
}

export function exportsOf(entry: string): Exported[] {
  return [...sourceOf(entry).exported].map(([name, target]) => {
    return { name, onlyType: target.onlyType === true, declarations: declarationsOf(target) };
  });
}

function declarationsOf({ module, name }: Target): Declaration[] {
  if (!module.endsWith('.d.ts')) return [];
  const { declared, exported, imported } = sourceOf(module);
  const nodes = declared.get(name);
  if (nodes !== undefined) return nodes.map((node) => ({ file: module, name, node }));
  const elsewhere = exported.get(name) ?? imported.get(name);
  return elsewhere === undefined ? [] : declarationsOf(elsewhere);
}

/** What can be reached from an entry, by file and then as it stands there; augmentations of other modules among them. */
export function reachableFrom(entry: string): Declaration[] {
  const found = new Map<Node, Declaration>();
  const files = new Set<string>();
  const waiting: Declaration[] = exportsOf(entry).flatMap(({ declarations }) => declarations);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(next.node)) continue;
    found.set(next.node, next);
    waiting.push(...augmentationsNear(next.file, files));
    for (const target of targetsIn(next)) waiting.push(...declarationsOf(target));
  }
  const place = ({ file, node }: Declaration) => sourceOf(file).tree.statements?.indexOf(node) ?? 0;
  return [...found.values()].sort((a, b) => (a.file === b.file ? place(a) - place(b) : a.file < b.file ? -1 : 1));
}

/** `declare module 'axios' { … }` in a file or in what it imports: in force for who imports the file. */
function augmentationsNear(path: string, seen: Set<string>): Declaration[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const { tree, neighbours } = sourceOf(path);
  const own = (tree.statements ?? []).filter((node) => isKind(node, 'ModuleDeclaration'));
  const here = own.map((node) => ({ file: path, name: textOf(node.name), node }));
  return [...here, ...neighbours.flatMap((each) => augmentationsNear(each, seen))];
}

/** Where what a declaration names is declared. */
function targetsIn({ file, node }: Declaration): Target[] {
  const { declared, imported } = sourceOf(file);
  const targets: Target[] = [];
  const visit = (child: Node): void => {
    const module = isKind(child, 'ImportType') ? child.argument?.literal.text : undefined;
    if (module !== undefined) targets.push({ module: resolve(file, module), name: firstOf(child.qualifier) });
    else if (isKind(child, 'Identifier') && isReference(child)) {
      const name = textOf(child);
      const target = imported.get(name) ?? (declared.has(name) ? { module: file, name } : undefined);
      if (target !== undefined) targets.push(target);
    }
    eachChild(child, visit);
  };
  visit(node);
  return targets;
}

const firstOf = (qualifier: Node | undefined): string =>
  qualifier?.left === undefined ? textOf(qualifier) : firstOf(qualifier.left);

/** Not the name of a member or a parameter: one that stands for something declared elsewhere. */
function isReference({ parent }: Node): boolean {
  const kinds = ['TypeReference', 'TypeQuery', 'QualifiedName', 'ExpressionWithTypeArguments', 'ComputedPropertyName'];
  return isKind(parent, ...kinds, 'PropertyAccessExpression');
}
