/** The servers, as their parent sees them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';

export function startServers() {
  const child = fork(new URL('process.mjs', import.meta.url), { execArgv: [] });
  const waiting = new Map();
  let count = 0;
  let stopping = false;
  child.on('message', ({ id, result }) => {
    waiting.get(id)(result);
    waiting.delete(id);
  });
  child.once('exit', (code, signal) => {
    if (!stopping) throw new Error(`The servers ended with ${signal ?? code}: a fault of their own.`);
  });
  return {
    ask(what, options = {}) {
      const id = ++count;
      child.send({ id, what, ...options });
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    async stop() {
      stopping = true;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}
