/** A clock that tests move by hand. */
import { afterEach, beforeEach, vi } from 'vitest';

type Options = Parameters<typeof vi.useFakeTimers>[0];

/** Stops the clock before each test of the file or of the `describe` it is called in, and gives the real one back after it. */
export function fakeTimers(options?: Options): void {
  beforeEach(() => {
    vi.useFakeTimers(options);
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}
