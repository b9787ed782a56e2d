/** Runs Node in the package's folder, where the package is found by its own name, as built into dist. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export const run = (file: string, ...args: string[]) => runIn(root, {}, file, ...args);

/** The same in another folder, with further variables in the environment. */
export function runIn(cwd: string, env: NodeJS.ProcessEnv, file: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env: { PATH: process.env.PATH ?? '', ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

export const node = (...args: string[]) => run(process.execPath, ...args);
