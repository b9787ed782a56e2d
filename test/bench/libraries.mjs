/** The libraries that are compared, in the versions that run on this Node: from a cache folder, or else those beside the tests. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const isRecent = major > 22 || (major === 22 && minor >= 19);

/** The current releases, and the last that run on Node 20. */
const wanted = isRecent
  ? { cockatiel: '4.0.0', got: '16.1.0', ky: '2.1.0', opossum: '10.0.0', undici: '8.13.1' }
  : { cockatiel: '3.2.1', got: '14.6.6', ky: '1.14.3', opossum: '9.0.0', undici: '7.30.2' };

const shelf = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pillion-bench');
const folder = join(shelf, Object.entries(wanted).join('_').replaceAll(',', '-'));

/** From the cache folder if it is filled, else from the repository. */
const resolvers = [createRequire(join(folder, 'index.js')), createRequire(import.meta.url)];

/** The folder of a package; undefined where it is nowhere. */
function placeOf(name) {
  for (const { resolve } of resolvers)
    for (const modules of resolve.paths(name) ?? [])
      if (existsSync(join(modules, name, 'package.json'))) return join(modules, name);
  return undefined;
}

/** Whether some of these are among those that are installed. */
export const needInstall = (names) => names.some((name) => name in wanted);
export const has = (name) => placeOf(name) !== undefined;
export const versionOf = (name) => JSON.parse(readFileSync(join(placeOf(name), 'package.json'), 'utf8')).version;

const importer = join(folder, 'importer.mjs');

/** Imports a package, as a file in the cache folder would. */
export const library = async (name) =>
  existsSync(importer) ? (await import(pathToFileURL(importer).href)).default(name) : import(name);

/** Installs all of them with npm on the first run; returns why that cannot be done, else undefined. */
export function installLibraries() {
  if (existsSync(importer)) return undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Code that others can replace must not be run.
    if (lstatSync(shelf).uid !== userInfo().uid) throw new Error(`${shelf} belongs to somebody else`);
    const packages = Object.entries(wanted).map(([name, version]) => `${name}@${version}`);
    const options = ['--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', ['install', ...options, ...packages], { stdio: 'pipe', timeout: 120_000 });
    writeFileSync(importer, 'export default (name) => import(name);\n');
    return undefined;
  } catch (error) {
    return `npm could not install ${Object.keys(wanted).join(', ')} (${error.message.trim().split('\n').pop()})`;
  }
}
