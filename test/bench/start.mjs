/** Processes of the benchmark, each on a processor of its own where the machine lets us say so. */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';

/** The first two processors that this process may use; undefined where it has no two, or no `taskset` to say so. */
function pair() {
  try {
    const said = execFileSync('taskset', ['-pc', String(process.pid)], { encoding: 'utf8' });
    const list = said.slice(said.lastIndexOf(':') + 1).trim();
    const cores = list.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
    return cores.length < 2 ? undefined : { upstream: cores[0], client: cores[1] };
  } catch {
    return undefined;
  }
}

/** Which processor the upstream has and which the client, so that the client is what is measured. */
export const pinning = pair();

/** Starts a script of this folder; resolves to the process and the first message it sends. */
export async function start(script, options, { role, flags = [] } = {}) {
  const file = new URL(script, import.meta.url);
  const core = pinning?.[role];
  const how =
    core === undefined
      ? { execArgv: flags }
      : { execPath: 'taskset', execArgv: ['-c', String(core), process.execPath, ...flags] };
  const child = fork(file, [JSON.stringify(options)], how);
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${script} ${JSON.stringify(options)} ended with code ${code} before it answered.`);
  });
  const [message] = await Promise.race([once(child, 'message'), failed]);
  failed.catch(() => {});
  return { child, message };
}

/** Sends a process a message; resolves to its answer. */
export function asked(child, message) {
  return new Promise((resolve, reject) => {
    const failed = (code) => reject(new Error(`${child.spawnargs.at(-2)} ended with code ${code} before it answered.`));
    child.once('exit', failed);
    child.once('message', (answer) => {
      child.off('exit', failed);
      resolve(answer);
    });
    child.send(message);
  });
}

/** Ends a process that ends when it is let go of. */
export async function stopped(child) {
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}

/** Runs a script that answers once and ends; resolves to its answer. */
export async function answerOf(script, options, how) {
  const { child, message } = await start(script, options, how);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return message;
}
