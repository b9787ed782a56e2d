import { describe, expect, it } from 'vitest';
import { differencesOf } from './case.js';
import { everything } from './cases/index.js';
import { differences } from './differences.js';

const cases = Object.entries(everything).flatMap(([subject, table]) => table.map((each) => ({ subject, ...each })));

describe('the contract', () => {
  it('has each of its more than 350 cases once', () => {
    const names = cases.map(({ subject, name }) => `${subject}: ${name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(350);
  });

  it('calls nothing a difference that is none', () => {
    const none = cases.filter((each) =>
      differencesOf(each).some((difference) => isSame(difference.expect, each.expect)),
    );
    expect(none.map(({ name }) => name)).toEqual([]);
  });

  it('gathers the differences by their reasons', () => {
    const shown = differences();
    expect(shown.map(({ reason }) => reason)).toContain("`responseType: 'blob'` gives a Blob.");
    expect(shown.flatMap((difference) => difference.cases).length).toBe(cases.flatMap(differencesOf).length);
  });
});

function isSame(one: unknown, other: unknown): boolean {
  try {
    expect(one).toEqual(other);
    return true;
  } catch {
    return false;
  }
}
