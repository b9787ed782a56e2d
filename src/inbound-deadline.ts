/** The deadline of the request that is being served: calls made for it need not last longer. */
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<number>();

/**
 * Runs `work` under a deadline `ms` milliseconds from now: every call of every client made in it, however deep, ends by
 * then with `ERR_DEADLINE`. Takes a number or, as a header has it, a string of digits; with anything else there is no
 * deadline. Inside another deadline the earlier one holds.
 */
export function runWithDeadline<T>(ms: number | string | undefined, work: () => T): T {
  const left = typeof ms === 'string' && /^\d+$/.test(ms.trim()) ? Number(ms) : ms;
  if (typeof left !== 'number' || !(left >= 0)) return work();
  const endsAt = performance.now() + left;
  return storage.run(Math.min(endsAt, storage.getStore() ?? endsAt), work);
}

/** Milliseconds left of it; undefined where there is none. */
export function inboundRemaining(): number | undefined {
  const endsAt = storage.getStore();
  return endsAt === undefined ? undefined : endsAt - performance.now();
}
