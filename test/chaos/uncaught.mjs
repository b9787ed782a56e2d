/** What nobody caught: counted, in place of the end of the process. */
import { current } from './context.mjs';

export function countUncaught(ledger) {
  const told = (what) => (error) => ledger.count('uncaught', current(), `${what}: ${short(error)}`);
  const listeners = {
    uncaughtException: told('exception'),
    unhandledRejection: told('rejection'),
    warning: told('warning'),
  };
  for (const [event, listener] of Object.entries(listeners)) process.on(event, listener);
}

/** The message, and where code outside of Node stood. */
function short(error) {
  const [message, ...frames] = String(error?.stack ?? error).split('\n');
  const ours = frames.filter((frame) => frame.includes('file://')).slice(0, 3);
  return [message, ...(ours.length > 0 ? ours : frames.slice(0, 4))].map((line) => line.trim()).join('\n');
}
