/** Node of other versions: npm has its binaries in packages by platform. They are kept for the next run. */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { install } from './tarball.js';

const windows = process.platform === 'win32';
const platform = `node-${windows ? 'win' : process.platform}-${process.arch}`;
const shelf = join(tmpdir(), `pillion-node-${userInfo().uid}`);

/** The path of a binary: of `22` the newest when it was first asked for, of `22.12.0` that one. */
export async function nodeOf(version: string): Promise<string> {
  mkdirSync(shelf, { recursive: true, mode: 0o700 });
  // What others can write must not be run.
  if (!windows && lstatSync(shelf).uid !== userInfo().uid) throw new Error(`${shelf} belongs to somebody else.`);
  const place = join(shelf, version);
  if (!existsSync(place)) await fetchTo(place, version);
  return join(place, 'node_modules', platform, 'bin', windows ? 'node.exe' : 'node');
}

/** Whole or not at all, since other runs may do the same. */
async function fetchTo(place: string, version: string): Promise<void> {
  const own = mkdtempSync(`${place}-`);
  await install(own, `${platform}@${version}`);
  try {
    renameSync(own, place);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  }
}
