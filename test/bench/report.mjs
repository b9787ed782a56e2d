/** Medians of the rounds, and the table of ratios. */
import os from 'node:os';

const columns = ['', 'req/s', 'ratio', 'min-max', 'CPU us/req', 'ratio', 'min-max', 'p50 ms', 'p99 ms'];

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  return (sorted[Math.floor(last / 2)] + sorted[Math.ceil(last / 2)]) / 2;
}

export function machine() {
  const cpus = os.cpus();
  return { node: process.version, platform: `${os.platform()} ${os.arch()}`, cores: cpus.length, cpu: cpus[0]?.model };
}

/** `samples` of each variant by name, each with the results of a round; ratios are to the first variant. */
export function summarize(samples, caseName) {
  const [base] = Object.keys(samples);
  const valuesOf = (variant, field) => samples[variant].map((round) => round[caseName][field]);
  const compare = (variant, field) => {
    const own = valuesOf(variant, field);
    const others = valuesOf(base, field);
    const ofRounds = own.map((value, round) => value / others[round]);
    return {
      median: median(own),
      ratio: median(own) / median(others),
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
  }));
}

export function table(rows, titles) {
  const ratios = ({ ratio, lowest, highest }) => [`${ratio.toFixed(2)}x`, `${lowest.toFixed(2)}-${highest.toFixed(2)}`];
  const cells = rows.map(({ variant, throughput, cpu, p50, p99 }) => [
    titles[variant],
    throughput.median.toFixed(0),
    ...ratios(throughput),
    cpu.median.toFixed(1),
    ...ratios(cpu),
    p50.toFixed(2),
    p99.toFixed(2),
  ]);
  const all = [columns, ...cells];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => row[index].length)));
  const pad = (text, index) => (index === 0 ? text.padEnd(widths[0]) : text.padStart(widths[index]));
  return all.map((row) => `  ${row.map(pad).join('  ')}`).join('\n');
}
