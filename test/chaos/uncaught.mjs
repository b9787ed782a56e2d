/** What nobody caught: counted, in place of the end of the process. */
import { current } from './context.mjs';

export function countUncaught(ledger) {
  const told = (what) => (error) => ledger.count('uncaught', current(), `${what}: ${error?.stack ?? error}`);
  const listeners = {
    uncaughtException: told('exception'),
    unhandledRejection: told('rejection'),
    warning: told('warning'),
  };
  for (const [event, listener] of Object.entries(listeners)) process.on(event, listener);
}
