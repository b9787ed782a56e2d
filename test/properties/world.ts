/** What the property tests share: a clock that is moved by hand, seeded chance, and a wire with random faults. */
import { AxiosError, AxiosHeaders } from 'axios';
import type { Request, Response } from 'pillion';
import { vi } from 'vitest';
import { abortError } from '../../src/call/scope.js';
import { fakeTimers } from '../support/clock.js';

/** mulberry32: the same numbers in [0, 1) for the same seed. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** setImmediate stays real: it is how promises get their turn between two milliseconds. */
const toFake = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] as const;

export function stopClock(): void {
  vi.useFakeTimers({ toFake: [...toFake] });
}

/** Stops the clock before each test of a file. */
export function virtualTime(): void {
  fakeTimers({ toFake: [...toFake] });
}

/** Lets everything run that waits for no timer. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Moves the clock on, a millisecond at a time. */
export async function pass(ms: number): Promise<void> {
  for (let i = 0; i < ms; i++) {
    vi.advanceTimersByTime(1);
    await turn();
  }
}

/** Moves the clock from timer to timer until none is left or the work is done. */
export async function finish(work: Promise<unknown>): Promise<void> {
  let over = false;
  const note = () => {
    over = true;
  };
  work.then(note, note);
  await turn();
  while (!over) {
    if (vi.getTimerCount() === 0) throw new Error('The work is not done, and no timer is left to end it.');
    vi.advanceTimersToNextTimer();
    await turn();
  }
}

/** One fault or answer of the wire. */
export interface Step {
  /** A status, the code of a network error, or 'hang'. */
  readonly what: number | string;
  /** Milliseconds before it. */
  readonly delay: number;
  readonly retryAfter?: string | undefined;
}

/** An adapter that does what it is told, and stops at once when its signal aborts. */
export function play(step: Step, request: Request): Promise<Response> {
  return new Promise((resolve, reject) => {
    const signal = request.signal as AbortSignal;
    let timer: NodeJS.Timeout | undefined;
    const abort = () => {
      clearTimeout(timer);
      reject(abortError(signal, request));
    };
    const settle = () => {
      signal.removeEventListener('abort', abort);
      const { what, retryAfter } = step;
      if (typeof what === 'string') reject(new AxiosError(what, what, request));
      else
        resolve({
          ...{ status: what, statusText: '', data: '', config: request, request: {} },
          headers: new AxiosHeaders(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
        });
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    if (step.what === 'hang') return;
    if (step.delay === 0) queueMicrotask(settle);
    else timer = setTimeout(settle, step.delay);
  });
}
