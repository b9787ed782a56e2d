/** The lines of the plots and their text alternatives, made of the history. No document is needed here. */
import { type PastSlots, shownMs } from './past.js';
import { clock, ms, number } from './words.js';

/** The values of one line, by the time at which their slots ended. */
export interface Line {
  readonly name: string;
  /** The classes of the line's look, which the legend shows too. */
  readonly look: string;
  readonly values: readonly (number | null)[];
}

export interface Shape {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly unit: (value: number) => string;
  /** What is shown where there is no value at all. */
  readonly nothing: string;
}

export function shapesOf(slots: PastSlots, interval: number): Shape[] {
  const perSecond = (values: readonly number[]) => values.map((value) => (value * 1000) / interval);
  return [
    {
      title: 'Calls per second',
      lines: [
        { name: 'all', look: 'calls', values: perSecond(slots.calls) },
        { name: 'failed', look: 'failed', values: perSecond(slots.failed) },
        { name: 'turned away here', look: 'refused', values: perSecond(slots.refused) },
      ],
      unit: (value) => `${number(value)}/s`,
      nothing: 'No history yet: the first ten seconds are being counted.',
    },
    {
      title: 'Latency of answers',
      lines: [
        { name: 'p99', look: 'calls', values: slots.p99 },
        { name: 'p50', look: 'half', values: slots.p50 },
      ],
      unit: ms,
      nothing: 'No call has gone to the wire in this time.',
    },
    {
      title: 'Latency of calls turned away here',
      lines: [{ name: 'p99', look: 'refused', values: slots.refusedP99 }],
      unit: ms,
      nothing: 'No call was turned away in this time.',
    },
  ];
}

export const width = 360;
export const height = 60;

/** Where a time stands on the plot, from 0 to `width`. */
export function xOf(at: number, now: number, range: number): number {
  return Math.round((width - ((now - at) / range) * width) * 10) / 10;
}

/** The top of the scale: 1, 2 or 5 times a power of ten. */
export function scaleOf(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5].find((factor) => factor * power >= most) ?? 10) * power;
}

export function mostOf({ lines }: Shape): number {
  let most = 0;
  for (const { values } of lines) for (const value of values) if (value !== null && value > most) most = value;
  return most;
}

/** The path of a line. It is interrupted where a value is missing. */
export function linePath(
  at: readonly number[],
  { values }: Line,
  { scale, now, range, step }: { scale: number; now: number; range: number; step: number },
): string {
  const y = (value: number) => Math.round((height - 1 - (value / scale) * (height - 4)) * 10) / 10;
  let path = '';
  let before = Number.NEGATIVE_INFINITY;
  for (const [index, value] of values.entries()) {
    const end = at[index] ?? 0;
    const x = xOf(end, now, range);
    if (value === null || x < 0) continue;
    const follows = end - before <= step * 1.5;
    // A slot without neighbours would not be seen as a point.
    path += follows ? `L${x} ${y(value)}` : `M${xOf(end - step, now, range)} ${y(value)}L${x} ${y(value)}`;
    before = end;
  }
  return path;
}

/** Adds the slots that are missing up to `until`, which had no calls. */
export function filled(slots: PastSlots, interval: number, until: number): PastSlots {
  const [first = until + interval] = slots.at;
  const full: { -readonly [Column in keyof PastSlots]: (number | null)[] } = {
    ...{ at: [], calls: [], failed: [], refused: [], p50: [], p99: [], refusedP99: [] },
  };
  const names = Object.keys(full) as (keyof PastSlots)[];
  const fill = (before: number, next: number) => {
    for (let at = before + interval; at < next - interval / 2; at += interval)
      for (const name of names) full[name].push(name === 'at' ? at : /p\d\d$/i.test(name) ? null : 0);
  };
  let before = first - interval;
  for (const [index, at] of slots.at.entries()) {
    fill(before, at);
    for (const name of names) full[name].push(slots[name][index] ?? null);
    before = at;
  }
  fill(before, until + interval);
  return full as unknown as PastSlots;
}

/** The text alternative of a plot. */
export function describe({ title, lines, unit, nothing }: Shape, at: readonly number[], now: number): string {
  const first = at[0];
  if (first === undefined || lines.every(({ values }) => values.every((value) => value === null)))
    return `${title}: ${nothing}`;
  const told = lines.map(({ name, values }) => `${name} ${saidOf(values, at, unit, now)}`);
  return `${title} since ${clock(Math.max(first, now - shownMs), now)}: ${told.join('; ')}.`;
}

function saidOf(
  values: readonly (number | null)[],
  at: readonly number[],
  unit: (value: number) => string,
  now: number,
): string {
  let most = 0;
  let where = -1;
  let begun = -1;
  for (const [index, value] of values.entries()) {
    if (value === null || value === 0) continue;
    if (begun < 0) begun = index;
    if (value > most) {
      most = value;
      where = index;
    }
  }
  if (where < 0) return 'none';
  const last = values.at(-1) ?? null;
  const begin = begun > 0 ? `, the first at ${clock(at[begun] ?? now, now)}` : '';
  return `now ${last === null ? 'none' : unit(last)}, at most ${unit(most)} at ${clock(at[where] ?? now, now)}${begin}`;
}
