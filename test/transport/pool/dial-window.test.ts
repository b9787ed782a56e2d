/** How many connections may be dialed at once, in a clock that the test turns. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DialWindow } from '../../../src/transport/pool/dial-window.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] }));
afterEach(() => void vi.useRealTimers());

/** The most that may be dialed. */
function mostOf(window: DialWindow): number {
  let dialing = 0;
  while (!window.isFull(dialing)) dialing++;
  return dialing;
}

describe('the window of dials', () => {
  it('doubles each twenty milliseconds in which no dial ended, while a call waits for it', () => {
    const widened = vi.fn();
    const window = new DialWindow(widened);
    const found: number[] = [];
    for (let period = 0; period < 7; period++) {
      found.push(mostOf(window));
      window.hold();
      window.hold();
      vi.advanceTimersByTime(21);
    }
    expect(found).toEqual([8, 16, 32, 64, 128, 256, 512]);
    expect(widened).toHaveBeenCalledTimes(7);
    vi.advanceTimersByTime(100);
    expect(widened).toHaveBeenCalledTimes(7);
  });

  it('does not double where dials end, of which the process hears only after the timer', () => {
    const window = new DialWindow(() => {});
    window.hold();
    vi.advanceTimersByTime(20);
    window.ended();
    vi.advanceTimersByTime(1);
    expect(mostOf(window)).toBe(8);
  });

  it('grows by each dial that took about as long as the fastest, and shrinks by slower ones to eight', () => {
    const window = new DialWindow(() => {});
    for (const took of [20, 21, 40, 50]) window.ended(took);
    expect(mostOf(window)).toBe(12);
    for (let dial = 0; dial < 3; dial++) window.ended(51);
    expect(mostOf(window)).toBe(9);
    for (let dial = 0; dial < 10; dial++) window.ended(200);
    expect(mostOf(window)).toBe(8);
  });

  it('is that of the beginning once no call waits', () => {
    const window = new DialWindow(() => {});
    for (let dial = 0; dial < 10; dial++) window.ended(1);
    window.release();
    expect(mostOf(window)).toBe(8);
  });
});
