/** The command line as it is built into dist. */
import { join } from 'node:path';
import { node, type Outcome, root, run } from '../package/run.js';

export const program = join(root, 'dist/esm/cli/pillion.js');

export const pillion = (...args: string[]): Promise<Outcome> => node(program, ...args);

/** With variables set, each `NAME=value`. */
export const pillionWith = (variables: readonly string[], ...args: string[]): Promise<Outcome> =>
  run('env', ...variables, process.execPath, program, ...args);

/** A name for the folder that changes with each test. */
export const without = (folder: string, text: string): string => text.replaceAll(folder, '@');
