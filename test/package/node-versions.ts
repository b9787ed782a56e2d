/** Node of other versions: npm has its binaries in packages by platform. They are kept for the next run. */
import { join } from 'node:path';
import { kept } from './shelf.js';
import { install } from './tarball.js';

const windows = process.platform === 'win32';
const platform = `node-${windows ? 'win' : process.platform}-${process.arch}`;

/** The path of a binary: of `22` the newest when it was first asked for, of `22.12.0` that one. */
export async function nodeOf(version: string): Promise<string> {
  const place = await kept('node', version, (folder) => install(folder, `${platform}@${version}`));
  return join(place, 'node_modules', platform, 'bin', windows ? 'node.exe' : 'node');
}
