/** The source files and what each imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { eachChild, isKind, type Node, parse } from './parser.js';

const folder = new URL('../../src/', import.meta.url);

export interface SourceFile {
  /** From src, such as `policies/retry.ts`. */
  readonly path: string;
  readonly text: string;
  /** Modules it imports at run time or for types: files by their path from src, libraries by their name. */
  readonly imports: readonly string[];
}

export function sourceFiles(): SourceFile[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  return paths
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => {
      const text = readFileSync(new URL(path, folder), 'utf8');
      const found = modulesOf(parse(path, text)).map((module) => resolve(path, module));
      return { path, text, imports: found };
    });
}

/** By import and export statements, `import()` and types of the form `import('…')`. */
function modulesOf(file: Node): string[] {
  const modules: string[] = [];
  const visit = (node: Node) => {
    if (isKind(node, 'ImportDeclaration', 'ExportDeclaration')) modules.push(node.moduleSpecifier?.text ?? '');
    else if (isKind(node, 'ImportType')) modules.push(node.argument?.literal.text ?? '');
    else if (isKind(node, 'CallExpression') && isKind(node.expression, 'ImportKeyword'))
      modules.push(node.arguments?.[0]?.text ?? '');
    eachChild(node, visit);
  };
  visit(file);
  return modules.filter((module) => module !== '');
}

function resolve(from: string, module: string): string {
  if (!module.startsWith('.')) return libraryOf(module);
  return normalize(join(dirname(from), module)).replace(/\.js$/, '.ts');
}

/** `@scope/name/deep` and `name/deep` without what comes after the name. */
function libraryOf(module: string): string {
  if (module.startsWith('node:')) return module;
  return module.split('/', module.startsWith('@') ? 2 : 1).join('/');
}

const onDemand = ['call/on-demand', 'registry/file/yaml-on-demand', 'sidecar/undici-on-demand'];

/** The libraries that files of CommonJS load at their first use. */
export function librariesOnDemand(): string[] {
  const text = onDemand.map((path) => readFileSync(new URL(`${path}.cjs`, folder), 'utf8')).join('');
  const required = [...text.matchAll(/require\('([^':]+)'\)/g)].map(([, module = '']) => libraryOf(module));
  return [...new Set(required)];
}
