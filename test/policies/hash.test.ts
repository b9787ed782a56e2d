/** Where keys belong among weighted targets. */
import { expect, it } from 'vitest';
import { rendezvous } from '../../src/policies/hash.js';

interface Target {
  readonly name: string;
  readonly weight: number;
}

const at = (key: string, targets: readonly Target[]) =>
  rendezvous(
    key,
    targets,
    ({ name }) => name,
    ({ weight }) => weight,
  )?.name;

const keys = Array.from({ length: 20_000 }, (_, index) => `user-${index}`);
const even = ['a', 'b', 'c', 'd'].map((name) => ({ name, weight: 1 }));

it('keys are shared by weight, within four sigma', () => {
  const targets = [5, 3, 2].map((weight, index) => ({ name: `t${index}`, weight }));
  for (const { name, weight } of targets) {
    const share = weight / 10;
    const count = keys.filter((key) => at(key, targets) === name).length;
    expect(Math.abs(count - share * keys.length)).toBeLessThan(4 * Math.sqrt(keys.length * share * (1 - share)));
  }
});

it('only the keys of a target that goes are moved, and only to it when it comes', () => {
  const fewer = even.slice(0, 3);
  for (const key of keys) {
    const before = at(key, even);
    if (before !== 'd') expect(at(key, fewer)).toBe(before);
  }
});

it('the order of the targets means nothing, a weight of 0 gets nothing', () => {
  for (const key of keys.slice(0, 1000)) {
    expect(at(key, [...even].reverse())).toBe(at(key, even));
    expect(at(key, [{ name: 'a', weight: 0 }, ...even.slice(1)])).not.toBe('a');
  }
  expect(at('x', [])).toBeUndefined();
});
