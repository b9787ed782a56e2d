/** The studies of growth: with the number of something, and with time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCertificates } from './certificates.mjs';
import { bytesOf, grownMost, heapCensus } from './heap-census.mjs';
import { align, digits } from './report.mjs';
import { answerOf, start } from './start.mjs';

const subjects = {
  destinations: ['one client that calls many origins, each with the standard stack', [10, 100, 1000, 10_000]],
  choice: ['`balance` alone: one endpoint of many', [10, 100, 1000, 5000]],
  endpoints: ['a new list with one changed; one fails, is ejected and comes back', [10, 100, 1000, 5000]],
  outage: ['endpoints of which each circuit is open', [10, 100, 1000]],
  registry: ['clients of one configuration', [10, 100, 1000, 2000]],
  rules: ['a call by the rule that it matches', [1, 10, 50, 200]],
  waiting: ['calls that wait and are given up', [10, 100, 1000, 10_000, 100_000]],
  outcomes: ['calls in the window of a circuit', [20, 2000, 200_000]],
};

export async function growth({ quick }) {
  const curves = {};
  for (const [subject, [, sizes]] of Object.entries(subjects)) {
    const load = quick
      ? { subject, sizes: sizes.slice(0, 2), rounds: 1, calls: 50 }
      : { subject, sizes, rounds: 7, calls: 3000 };
    curves[subject] = await answerOf('growth.mjs', load, { role: 'client', flags: ['--expose-gc'] });
  }
  return curves;
}

/**
 * How a cost grows, by its ratio at the largest number to that at the smallest. A cost that falls is flat: what there is once
 * is shared by more.
 */
export function shapeOf(sizes, costs) {
  const ratio = costs.at(-1) / costs[0];
  const [less, more] = [Math.max(2, sizes[0]), sizes.at(-1)];
  if (ratio <= 1.5) return 'flat';
  if (ratio <= (1.5 * Math.log(more)) / Math.log(less)) return 'logarithmic';
  return ratio < Math.sqrt(more / less) ? 'less than the root' : 'linear';
}

export function printGrowth(curves) {
  return Object.entries(curves)
    .map(([subject, points]) => {
      const sizes = Object.keys(points).map(Number);
      const rows = Object.keys(points[sizes[0]]).map((name) => {
        const costs = sizes.map((size) => points[size][name]);
        return [name, ...costs.map(digits), `${(costs.at(-1) / costs[0]).toFixed(2)}x`, shapeOf(sizes, costs)];
      });
      return `  ${subject}: ${subjects[subject][0]}\n${align([['', ...sizes.map(String), 'last/first', ''], ...rows])}`;
    })
    .join('\n\n');
}

const soakRate = 500;

/** Calls at a steady rate for so many minutes. */
export async function soak({ quick, minutes }) {
  const { child, message } = await start('upstream.mjs', {}, { role: 'upstream' });
  const load = quick
    ? { seconds: 2, samples: 3 }
    : { seconds: minutes * 60, samples: Math.max(5, Math.round(minutes * 4)) };
  const found = await answerOf(
    'soak.mjs',
    { port: message.port, rate: soakRate, ...load },
    { role: 'client', flags: ['--expose-gc'] },
  );
  child.disconnect();
  return found;
}

/** The least-squares slope of a value over the seconds, and the error of that slope. */
function slopeOf(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const spread = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  const slope = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) / spread;
  const rest = points.reduce((sum, [at, value]) => sum + (value - y - slope * (at - x)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / Math.max(1, points.length - 2) / spread) };
}

const units = { heap: 1e6, external: 1e6, rss: 1e6, descriptors: 1, handles: 1, timers: 1 };

export function printSoak({ taken, counts }) {
  const [first, last] = [taken[0], taken.at(-1)];
  const rows = Object.entries(units).map(([name, unit]) => {
    const values = taken.map((each) => each[name] / unit);
    const { slope, error } = slopeOf(taken.map(({ at }, index) => [at, values[index]]));
    const [hour, within] = [slope * 3600, 2 * error * 3600];
    // What cannot be told from nothing is not called growth, and the print says how large it could be.
    const growth = Math.abs(hour) <= within ? 'no growth to be seen' : hour > 0 ? 'grows' : 'falls';
    const cells = [values[0], Math.min(...values), Math.max(...values), values.at(-1)].map(digits);
    return [unit === 1 ? name : `${name}, MB`, ...cells, `${hour.toFixed(2)} +- ${within.toFixed(2)}`, growth];
  });
  const { succeeded, failed, aborted } = counts;
  const columns = ['', 'first', 'least', 'most', 'last', 'in an hour, by the slope', ''];
  return (
    `${align([columns, ...rows])}\n  ${taken.length} samples from ${first.at.toFixed(0)} to ${last.at.toFixed(0)} s, each after ` +
    `gc; ${succeeded} calls succeeded, ${failed} failed as meant, ${aborted} were given up. Two standard errors.`
  );
}

/** Of each kind of call, what thousands of them leave on the heap. */
export async function leaks({ quick }) {
  const { remove, ...tls } = await writeCertificates();
  const upstream = await start('upstream.mjs', { tls }, { role: 'upstream' });
  const h2 = await start('h2-upstream.mjs', { tls }, { role: 'upstream' });
  const folder = mkdtempSync(join(tmpdir(), 'pillion-leaks-'));
  const load = { port: upstream.message, h2: h2.message, tls, folder, count: quick ? 200 : 50_000 };
  const how = { role: 'client', flags: ['--expose-gc'] };
  const found = {};
  try {
    const kinds = await answerOf('leaks.mjs', load, how);
    for (const kind of quick ? kinds.slice(0, 2) : kinds) {
      const { calls, codes } = await answerOf('leaks.mjs', { ...load, kind }, how);
      const [before, after] = ['before', 'after'].map((name) => heapCensus(join(folder, name)));
      found[kind] = { calls, codes, bytes: bytesOf(after) - bytesOf(before), most: grownMost(before, after) };
    }
  } finally {
    remove();
    rmSync(folder, { recursive: true });
    upstream.child.disconnect();
    h2.child.disconnect();
  }
  return found;
}

export function printLeaks(found) {
  const rows = Object.entries(found).map(([kind, { calls, codes, bytes, most }]) => [
    kind,
    ...[String(calls), Object.keys(codes).join(' '), (bytes / calls).toFixed(2)],
    most === undefined ? '' : `${most.name} +${most.count}, ${most.bytes} bytes`,
  ]);
  return align([['a call that', 'calls', 'outcomes', 'bytes left, each', 'grown most'], ...rows]);
}
