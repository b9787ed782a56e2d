/** What a person sees: a line for each phase while it runs, then the table, the circuit and one call's log lines. */
import type { Tally } from './scenario.js';

/** Writes one line for each phase: in place where that can be done, once at its end where not. */
export class Progress {
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  async watch(tally: Tally, run: () => Promise<void>): Promise<void> {
    const timer = this.#out.isTTY ? setInterval(() => this.#draw(tally), 100) : undefined;
    try {
      await run();
    } finally {
      clearInterval(timer);
    }
    this.#draw(tally);
    this.#out.write('\n');
  }

  #draw({ phase, calls, retries }: Tally): void {
    const counts = `${String(calls).padStart(4)} calls ${String(retries).padStart(3)} retries`;
    const line = `  ${phase.name.padEnd(9)} ${counts}   ${phase.story}`;
    // A line that wraps could not be drawn over.
    this.#out.write(this.#out.isTTY ? `\r\x1b[2K${line.slice(0, (this.#out.columns || 80) - 1)}` : line);
  }
}

const header = ['phase', 'calls', 'attempts', 'retries', 'p50 ms', 'p99 ms', 'what the callers got'];

export function table(tallies: readonly Tally[]): string {
  const rows = tallies.map(({ phase, calls, attempts, retries, durations, outcomes }) => [
    phase.name,
    ...[calls, attempts, retries].map(String),
    percentile(durations, 0.5),
    percentile(durations, 0.99),
    [...outcomes].map(([outcome, count]) => `${count} x ${outcome}`).join(', '),
  ]);
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const isText = (column: number) => column === 0 || column === header.length - 1;
  const cell = (text: string, column: number) =>
    isText(column) ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return all.map((row) => `  ${row.map(cell).join('  ').trimEnd()}`).join('\n');
}

function percentile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.ceil(sorted.length * share) - 1] ?? 0).toFixed(1);
}
