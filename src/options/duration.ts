/** Durations: milliseconds as a number, or a string with a unit. */
import { z } from 'zod';
import { once } from '../call/once.js';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const day = 24 * units.h;

/** The longest time limit, in milliseconds. */
export const maxTimeout = day;

/**
 * Milliseconds as a number, or a string with a unit: `'250ms'`, `'1.5s'`, `'2m'`, `'1h'`. One space before the unit is
 * allowed, since TypeScript takes `'250 '` for a number too.
 */
export type Duration = number | `${number}${keyof typeof units}`;

const pattern = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/;

/** The milliseconds of a duration; NaN where the value is no duration. */
export function milliseconds(value: Duration): number {
  if (typeof value === 'number') return value;
  const [, amount, unit] = pattern.exec(String(value)) ?? [];
  return Number(amount) * units[unit as keyof typeof units];
}

const durationForm = 'expected milliseconds or a string such as "250ms" or "1.5s"';
const durationText = () =>
  z.templateLiteral([
    z.number(),
    z.enum(['ms', 's', 'm', 'h', ' ms', ' s', ' m', ' h']),
  ]) as unknown as z.ZodTemplateLiteral<Exclude<Duration, number>>;

/** One for all, as it takes eight schemas. */
const anyDuration = once(() =>
  z
    .union([z.number(), durationText()], {
      error: ({ input }) => `${input === undefined ? 'is missing: ' : ''}${durationForm}`,
    })
    .transform(milliseconds),
);

/** The schema of a duration between `min` and `max` milliseconds (default: 0 to 24 h). */
export function duration({ min = 0, max = day }: { min?: number; max?: number } = {}) {
  return anyDuration()
    .refine((ms) => ms >= min && ms <= max, { error: `must be between ${spell(min)} and ${spell(max)}` })
    .meta({ 'x-range': `${spell(min)} to ${spell(max)}` });
}

function spell(ms: number): string {
  return ms === day ? '24h' : `${ms}ms`;
}
