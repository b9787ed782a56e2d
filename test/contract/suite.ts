/** Runs tables of cases over every wire and scheme. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, differencesOf, type Scheme, schemes, type WireName, wireNames } from './case.js';
import { openWires, type Wires } from './wires.js';

export type Tables = Readonly<Record<string, readonly Case[]>>;

export function runContract(tables: Tables): void {
  describe.each(schemes)('over %s', (scheme) => {
    let wires: Wires;
    beforeAll(async () => {
      wires = await openWires(scheme);
    });
    afterAll(() => wires.close());
    for (const name of wireNames)
      for (const [subject, cases] of Object.entries(tables)) {
        const runnable = cases.filter((each) => isRunnable(each, name, scheme));
        if (runnable.length === 0) continue;
        describe(`${name}: ${subject}`, () => {
          it.for(runnable.map((each) => [each.name, each] as const))('%s', async ([, each]) => {
            expect(await each.run(wires.byName[name])).toEqual(expected(each, name));
          });
        });
      }
  });
}

function isRunnable({ only = schemes, axiosCannot = [] }: Case, name: WireName, scheme: Scheme): boolean {
  return only.includes(scheme) && !(name === 'axios' && axiosCannot.includes(scheme));
}

function expected(each: Case, name: WireName): unknown {
  const ours: readonly WireName[] = ['adapter', 'client'];
  const difference = differencesOf(each).find(({ wires = ours }) => wires.includes(name));
  return (difference ?? each).expect;
}
