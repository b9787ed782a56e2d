/** Rendezvous by weight: what each target gets, and which keys move when weights or targets change. */
import { describe, expect, it } from 'vitest';
import { hashOf, rendezvous } from '../../src/policies/hash.js';

type Weights = Readonly<Record<string, number>>;

const at = (key: string, weights: Weights) =>
  rendezvous(
    key,
    Object.entries(weights),
    ([name]) => name,
    ([, weight]) => weight,
  )?.[0];

const count = 50_000;
const keysOf = (kind: (index: number) => string) => Array.from({ length: count }, (_, index) => kind(index));
const keys = keysOf((index) => `user-${index}`);

/** How far a count is from its share, in standard deviations. */
function sigmas(hits: number, of: number, share: number): number {
  return Math.abs(hits - of * share) / Math.sqrt(of * share * (1 - share));
}

describe('shares', () => {
  it.each<[Weights]>([
    [{ a: 90, b: 10 }],
    [{ a: 999, b: 1 }],
    [{ a: 60, b: 30, c: 10 }],
    [{ t0: 5, t1: 3, t2: 2 }],
    [{ a: 1, b: 2, c: 3, d: 4, e: 5 }],
    [{ 'http://10.0.0.1:80': 1, 'http://10.0.0.2:80': 1, 'http://10.0.0.3:80': 1 }],
    [{ a: 4_294_967_295, b: 4_294_967_295 }],
  ])('follow %j within four sigma', (weights) => {
    const sum = Object.values(weights).reduce((all, weight) => all + weight, 0);
    const places = keys.map((key) => at(key, weights));
    for (const [name, weight] of Object.entries(weights)) {
      const hits = places.filter((place) => place === name).length;
      expect(sigmas(hits, count, weight / sum), name).toBeLessThan(4);
    }
  });

  it.each([
    ['numbers in a row', keysOf((index) => String(index))],
    ['numbers with zeros in front', keysOf((index) => String(index).padStart(12, '0'))],
    [
      'UUIDs that differ at the end',
      keysOf((index) => `6f1c1a52-0000-4000-8000-${index.toString(16).padStart(12, '0')}`),
    ],
    ['text beyond Latin', keysOf((index) => `użytkownik-${String.fromCodePoint(0x4e00 + (index % 5000))}-${index}`)],
  ])('hold for keys that are %s', (_, some) => {
    for (const weights of [
      { a: 1, b: 1 },
      { blue: 8, green: 2 },
    ] as const) {
      const [first, weight] = Object.entries(weights)[0] as [string, number];
      const sum = Object.values(weights).reduce((all, each) => all + each, 0);
      const hits = some.filter((key) => at(key, weights) === first).length;
      expect(sigmas(hits, count, weight / sum)).toBeLessThan(4);
    }
  });

  it('do not depend on the unit of the weights', () => {
    for (const key of keys.slice(0, 5000)) expect(at(key, { a: 90, b: 10 })).toBe(at(key, { a: 9, b: 1 }));
  });
});

describe('a change', () => {
  it.each<[string, Weights, Weights, string]>([
    ['a weight that grows', { a: 90, b: 10 }, { a: 80, b: 20 }, 'b'],
    ['one weight raised alone', { a: 3, b: 2, c: 1 }, { a: 3, b: 2, c: 5 }, 'c'],
    ['a target that comes', { a: 1, b: 1, c: 1 }, { a: 1, b: 1, c: 1, d: 1 }, 'd'],
    ['a target that comes with weight', { a: 5, b: 3 }, { a: 5, b: 3, c: 2 }, 'c'],
    ['a weight that was 0', { a: 1, b: 0 }, { a: 1, b: 1 }, 'b'],
  ])('by %s moves keys to it only, and no more than its share grew', (_, before, after, grows) => {
    const moved = keys.filter((key) => at(key, before) !== at(key, after));
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.every((key) => at(key, after) === grows)).toBe(true);
    const share = (weights: Weights) =>
      (weights[grows] ?? 0) / Object.values(weights).reduce((all, weight) => all + weight, 0);
    expect(sigmas(moved.length, count, share(after) - share(before))).toBeLessThan(4);
  });

  it('by a target that goes gives its keys to the others by their weights', () => {
    const lost = keys.filter((key) => at(key, { a: 6, b: 2, c: 2 }) === 'c');
    const places = lost.map((key) => at(key, { a: 6, b: 2 }));
    expect(sigmas(places.filter((place) => place === 'a').length, lost.length, 0.75)).toBeLessThan(4);
  });
});

describe('a key', () => {
  it('has its place in every process: these are written down', () => {
    expect(hashOf('')).toBe(0x811c9dc5);
    expect(hashOf('a')).toBe(0xe40c292c);
    expect(hashOf('foobar')).toBe(0xbf9cf968);
  });

  it('has the same place each time, whatever was asked in between', () => {
    const weights = { a: 3, b: 2, c: 1 };
    const first = keys.slice(0, 1000).map((key) => at(key, weights));
    const again = keys.slice(0, 1000).map((key) => at(key, weights));
    expect(again).toEqual(first);
  });

  it('has its place whatever the order of the targets, and never one of weight 0', () => {
    for (const key of keys.slice(0, 1000)) {
      expect(at(key, { d: 1, c: 1, b: 1, a: 1 })).toBe(at(key, { a: 1, b: 1, c: 1, d: 1 }));
      expect(at(key, { a: 0, b: 1, c: 1, d: 1 })).not.toBe('a');
    }
  });

  it('has no place where there is no target, or where all weights are 0', () => {
    expect(at('x', {})).toBeUndefined();
    expect(at('x', { a: 0, b: 0 })).toBeUndefined();
  });

  it('that is empty has a place', () => {
    expect(['a', 'b']).toContain(at('', { a: 1, b: 1 }));
  });
});
