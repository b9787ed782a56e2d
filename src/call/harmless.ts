/** Runs callbacks of users, such as listeners and loggers, whose exceptions must not affect a call. */
import { types } from 'node:util';

/** Runs a user's callback; an exception or a rejection in it is dropped. */
export function harmless(work: () => unknown): void {
  try {
    const result = work();
    if (types.isPromise(result)) result.catch(() => {});
  } catch {}
}
