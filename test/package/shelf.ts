/** What tests fetch once, in the temporary folder, and keep for the next run. */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** The folder of that name, which `fill` has filled now or earlier: whole or not at all, since other runs may do the same. */
export async function kept(shelfName: string, name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const { uid } = userInfo();
  const shelf = join(tmpdir(), `pillion-${shelfName}-${uid}`);
  mkdirSync(shelf, { recursive: true, mode: 0o700 });
  // What others can write must not be run.
  if (process.platform !== 'win32' && lstatSync(shelf).uid !== uid)
    throw new Error(`${shelf} belongs to somebody else.`);
  const place = join(shelf, name);
  if (existsSync(place)) return place;
  const own = mkdtempSync(`${place}-`);
  try {
    await fill(own);
    renameSync(own, place);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  }
  return place;
}
