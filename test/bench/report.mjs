/** Medians of the rounds, and the table of ratios. */
import os from 'node:os';

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  return (sorted[Math.floor(last / 2)] + sorted[Math.ceil(last / 2)]) / 2;
}

export function machine() {
  const cpus = os.cpus();
  return { node: process.version, platform: `${os.platform()} ${os.arch()}`, cores: cpus.length, cpu: cpus[0]?.model };
}

/**
 * `samples` of one case: by variant, what each round took, with what the first variant took by turns with it, its `base`. Ratios are to
 * that, and medians of those of the rounds.
 */
export function summarize(samples) {
  const valuesOf = (variant, field) => samples[variant].map((round) => round[field]);
  const compare = (variant, field) => {
    const ofRounds = samples[variant].map((round) => round[field] / (round.base ?? round)[field]);
    return {
      median: median(valuesOf(variant, field)),
      ratio: median(ofRounds),
      lowest: Math.min(...ofRounds),
      highest: Math.max(...ofRounds),
    };
  };
  return Object.keys(samples).map((variant) => ({
    variant,
    throughput: compare(variant, 'throughput'),
    cpu: compare(variant, 'cpu'),
    p50: median(valuesOf(variant, 'p50')),
    p99: median(valuesOf(variant, 'p99')),
    p999: median(valuesOf(variant, 'p999')),
    heap: median(valuesOf(variant, 'heap')),
  }));
}

/** Lines up cells: the first column to the left, numbers to the right. */
export function align(rows) {
  const widths = rows[0].map((_, index) => Math.max(...rows.map((row) => row[index].length)));
  const pad = (text, index) => (index === 0 ? text.padEnd(widths[0]) : text.padStart(widths[index]));
  return rows.map((row) => `  ${row.map(pad).join('  ')}`).join('\n');
}

const columns = ['', 'req/s', 'ratio', 'min-max', 'CPU us/req', 'ratio', 'min-max', 'p50 ms', 'p99 ms', 'heap KB/req'];

/** As many digits as tell something. */
export const digits = (value) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

/** Latencies at a fixed rate, with the p99 beside that of another variant. */
export function latencyTable(rows, titles, floor) {
  const base = rows.find(({ variant }) => variant === floor)?.p99;
  const cells = rows.map(({ variant, p50, p99, p999, heap }) => [
    titles[variant],
    ...[p50, p99].map(digits),
    base === undefined ? '-' : `${(p99 / base).toFixed(2)}x`,
    ...[p999, heap / 1000].map(digits),
  ]);
  return align([['', 'p50 ms', 'p99 ms', 'of undici', 'p99.9 ms', 'heap KB/req'], ...cells]);
}

export function table(rows, titles) {
  const ratios = ({ ratio, lowest, highest }) => [`${ratio.toFixed(2)}x`, `${lowest.toFixed(2)}-${highest.toFixed(2)}`];
  const cells = rows.map(({ variant, throughput, cpu, p50, p99, heap }) => [
    titles[variant],
    digits(throughput.median),
    ...ratios(throughput),
    digits(cpu.median),
    ...ratios(cpu),
    ...[p50, p99, heap / 1000].map(digits),
  ]);
  return align([columns, ...cells]);
}
