/** Code of others, such as listeners and loggers, whose faults are not ours. */

/** Runs it; what it throws, now or later, is dropped. */
export function harmless(work: () => unknown): void {
  try {
    const result = work();
    if (result instanceof Promise) result.catch(() => {});
  } catch {}
}
