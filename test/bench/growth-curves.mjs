/** The subjects of growth, their sizes, and whether a curve is flat. */
import { align, digits } from './report.mjs';
import { answerOf } from './start.mjs';

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
