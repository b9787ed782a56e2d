/** The package as npm would publish it, installed into projects that are thrown away afterwards. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './run.js';

const run = promisify(execFile);

/** A folder below the temporary one; `remove` it at the end. */
export function temporary(name: string): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), `pillion-${name}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Packs what `npm run build` left; the path of the tarball. */
export async function pack(folder: string): Promise<string> {
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
  const [name = ''] = readdirSync(folder).filter((each) => each.endsWith('.tgz'));
  return join(folder, name);
}

/** Puts the package into a folder without what it depends on. */
export async function unpack(tarball: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
}

const quiet = ['--no-audit', '--no-fund', '--loglevel', 'error', '--prefer-offline'];

/** Installs what the lock file in the folder names; none of it runs a script. */
export async function installLocked(folder: string): Promise<void> {
  await run('npm', ['ci', '--ignore-scripts', ...quiet], { cwd: folder });
}

/** Installs packages, tarballs among them, as a user would. */
export async function install(folder: string, ...packages: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  await run('npm', ['install', ...quiet, ...packages], { cwd: folder });
}

/** The compiler of this project, on a project elsewhere. */
export function compile(folder: string, ...flags: string[]): Promise<void> {
  return compileBy(join(root, 'node_modules', 'typescript'), folder, ...flags);
}

/** Another one, by the folder of its package. */
export async function compileBy(compiler: string, folder: string, ...flags: string[]): Promise<void> {
  try {
    await run(process.execPath, [join(compiler, 'bin', 'tsc'), '-p', folder, ...flags], { cwd: folder });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
}
