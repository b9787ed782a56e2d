/** Medians of the rounds, and the table of ratios. */
import os from 'node:os';

const columns = ['', 'req/s', 'ratio', 'CPU us/req', 'ratio', 'p50 ms', 'p99 ms'];

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
  const medians = Object.entries(samples).map(([variant, rounds]) => {
    const of = (field) => median(rounds.map((round) => round[caseName][field]));
    return { variant, throughput: of('throughput'), cpu: of('cpu'), p50: of('p50'), p99: of('p99') };
  });
  const [base] = medians;
  return medians.map((row) => ({
    ...row,
    throughputRatio: row.throughput / base.throughput,
    cpuRatio: row.cpu / base.cpu,
  }));
}

export function table(rows, titles) {
  const cells = rows.map((row) => [
    titles[row.variant],
    row.throughput.toFixed(0),
    `${row.throughputRatio.toFixed(2)}x`,
    row.cpu.toFixed(1),
    `${row.cpuRatio.toFixed(2)}x`,
    row.p50.toFixed(2),
    row.p99.toFixed(2),
  ]);
  const all = [columns, ...cells];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => row[index].length)));
  const pad = (text, index) => (index === 0 ? text.padEnd(widths[0]) : text.padStart(widths[index]));
  return all.map((row) => `  ${row.map(pad).join('  ')}`).join('\n');
}
