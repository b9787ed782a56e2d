/** Figures of the package that stand in `recorded/`; `RECORD=1 npx vitest run test/package` writes what they are now. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

/** As multiples of what is recorded. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

type Figures = Readonly<Record<string, number>>;

/** Compares with what is recorded. Less is to be written down as well, lest it be used up unseen. */
export function expectRecorded(name: string, now: Figures, { from, to }: Range): void {
  const file = new URL(`recorded/${name}.json`, import.meta.url);
  if (process.env.RECORD === '1') writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`);
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Figures;
  expect(Object.keys(now)).toEqual(Object.keys(recorded));
  for (const [figure, value] of Object.entries(now)) {
    const was = recorded[figure] ?? 0;
    const told = `${name}, ${figure}: recorded are ${was}. Where the change is meant: RECORD=1 npx vitest run test/package`;
    expect(value, told).toBeGreaterThanOrEqual(was * from);
    expect(value, told).toBeLessThanOrEqual(was * to);
  }
}
