/** The package as npm would publish it, installed into projects that are thrown away afterwards. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

interface Tarball {
  readonly name: string;
  readonly content: Buffer;
}

/** The files of one worker share their modules, and so what was packed for the first of them. */
let packed: Promise<Tarball> | undefined;

/** Packs what `npm run build` left; the path of the tarball. */
export async function pack(folder: string): Promise<string> {
  packed ??= packOnce();
  const { name, content } = await packed;
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function packOnce(): Promise<Tarball> {
  const { folder, remove } = temporary('tarball');
  try {
    await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
    const [name = ''] = readdirSync(folder);
    return { name, content: readFileSync(join(folder, name)) };
  } finally {
    remove();
  }
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

/** A project of a workspace, and what it depends on beside the package. */
type Projects = Readonly<Record<string, readonly string[]>>;

/**
 * Installs many projects at once, so that npm writes once what they have in common. The package stands in each of them, as it
 * finds its peers from where it stands.
 */
export async function installProjects(folder: string, tarball: string, projects: Projects): Promise<void> {
  const names = Object.keys(projects);
  const dependencies = { pillion: `file:${tarball}` };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, workspaces: names, dependencies }));
  for (const name of names) {
    const own = projects[name]?.map((each) => each.split(/(?<=.)@/)) ?? [];
    mkdirSync(join(folder, name), { recursive: true });
    const text = JSON.stringify({ name, private: true, dependencies: { pillion: '*', ...Object.fromEntries(own) } });
    writeFileSync(join(folder, name, 'package.json'), text);
  }
  await install(folder);
  for (const name of names) await unpack(tarball, join(folder, name, 'node_modules/pillion'));
  // npm has compared the peers of one of the packages only; this fails where those of another are of a wrong version.
  const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    peerDependencies: object;
  };
  await run('npm', ['ls', '--workspaces', ...Object.keys(peerDependencies)], { cwd: folder });
}

/** Written in Go: memory is collected only near the limit, as collecting it took a third of the time. */
const env = { ...process.env, GOGC: 'off', GOMEMLIMIT: '2GiB' };

/** The compiler of this project, on a project elsewhere. It has one thread, since several check the same types again. */
export async function compile(folder: string, ...flags: string[]): Promise<void> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  try {
    await run(process.execPath, [compiler, '--singleThreaded', '-p', folder, ...flags], { cwd: folder, env });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
}
