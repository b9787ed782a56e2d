import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Recent } from '../../src/call/recent.js';

interface Entry {
  readonly key: string;
  busy: boolean;
}

const made = (key: string): Entry => ({ key, busy: false });

describe('a map of the most recently used', () => {
  it('keeps no more entries than its bound, the ones used last, where none is busy', () => {
    const uses = fc.array(fc.constantFrom(...'abcdefgh'), { maxLength: 60 });
    fc.assert(
      fc.property(uses, fc.integer({ min: 1, max: 5 }), (keys, max) => {
        const gone = new Set<Entry>();
        const map = new Recent<Entry>({ max, evicted: (entry) => gone.add(entry) });
        for (const key of keys) expect(map.use(key, () => made(key)).key).toBe(key);
        const latest = [...new Set([...keys].reverse())].slice(0, max).reverse();
        expect([...map].map(([key]) => key)).toEqual(latest);
        for (const entry of map.values()) expect(gone).not.toContain(entry);
      }),
      { seed: 20261129 },
    );
  });

  it('evicts no busy entry: the oldest that is free goes in its place', () => {
    const map = new Recent<Entry>({ max: 2, busy: ({ busy }) => busy });
    map.use('a', () => made('a')).busy = true;
    map.use('b', () => made('b'));
    map.use('c', () => made('c'));
    expect([...map.values()].map(({ key }) => key)).toEqual(['a', 'c']);
  });

  it('exceeds its bound while all of the oldest are busy, and never evicts the entry just made', () => {
    const map = new Recent<Entry>({ max: 2, busy: ({ busy }) => busy });
    for (const key of 'abcde') map.use(key, () => made(key)).busy = true;
    expect(map.size).toBe(5);
    const free = map.use('f', () => made('f'));
    expect([...map.values()]).toContain(free);
  });

  it('evicts the oldest of busy entries where its bound must hold, but first any of the oldest 16 that is free', () => {
    const map = new Recent<Entry>({ max: 20, busy: ({ busy }) => busy, whenBusy: 'evict' });
    for (let index = 0; index < 20; index++) map.use(`${index}`, () => made(`${index}`)).busy = index !== 10;
    map.use('20', () => made('20')).busy = true;
    expect(map.get('10')).toBeUndefined();
    map.use('21', () => made('21'));
    expect(map.get('0')).toBeUndefined();
    expect(map.size).toBe(20);
  });

  it('makes an entry anew once it was deleted, and deletes none but the one given', () => {
    const map = new Recent<Entry>({ max: 2 });
    const first = map.use('a', () => made('a'));
    map.delete('a', made('a'));
    expect(map.use('a', () => made('a'))).toBe(first);
    map.delete('a', first);
    expect(map.use('a', () => made('a'))).not.toBe(first);
  });
});
