import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Sample {
  throughput: number;
  cpu: number;
  p50: number;
  p99: number;
}

interface Comparison {
  median: number;
  ratio: number;
  lowest: number;
  highest: number;
}

interface Row {
  variant: string;
  throughput: Comparison;
  cpu: Comparison;
}

interface Report {
  node: string;
  cores: number;
  rounds: number;
  results: Record<'GET' | 'POST', Row[]>;
  samples: Record<string, Record<'GET' | 'POST', Sample>[]>;
}

const run = (...args: string[]) => promisify(execFile)(process.execPath, ['test/bench/run.mjs', ...args]);
const variants = ['axios', 'glued', 'undici', 'pillion', 'off'];

describe('the benchmark (against dist: build first)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-bench-'));
  const file = join(folder, 'report.json');
  let text: string;
  let report: Report;

  beforeAll(async () => {
    const { stdout } = await run('--quick', '--rounds', '1', '--requests', '60', '--callers', '5', '--json', file);
    text = stdout;
    report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('prints what it ran on, and a row with two ratios for each variant and case', () => {
    expect(text).toContain(`Node ${process.version}`);
    expect(text).toMatch(/\d+ cores/);
    const rows = text.split('\n').filter((line) => / \d+\.\d\dx .* \d+\.\d\dx /.test(line));
    expect(rows).toHaveLength(2 * variants.length);
    expect(rows.filter((row) => row.includes(' 1.00x') && /^ {2}axios {2}/.test(row))).toHaveLength(2);
  });

  it.each(['GET', 'POST'] as const)('writes ratios to axios that follow from the samples of %s', (name) => {
    const base = report.samples.axios?.[0]?.[name];
    expect(report.results[name].map(({ variant }) => variant)).toEqual(variants);
    for (const row of report.results[name]) {
      const sample = report.samples[row.variant]?.[0]?.[name];
      expect(sample?.throughput).toBeGreaterThan(0);
      expect(sample?.cpu).toBeGreaterThan(0);
      expect(sample?.p99).toBeGreaterThanOrEqual(sample?.p50 ?? Number.POSITIVE_INFINITY);
      for (const field of ['throughput', 'cpu'] as const) {
        const ratio = (sample?.[field] ?? 0) / (base?.[field] ?? 0);
        expect(row[field].median).toBe(sample?.[field]);
        expect(row[field].ratio).toBeCloseTo(ratio);
        expect([row[field].lowest, row[field].highest]).toEqual([ratio, ratio]);
      }
    }
  });

  it('refuses a number of rounds that is none', async () => {
    await expect(run('--rounds', 'many')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--rounds has to be a whole number above 0, not "many"'),
    });
  });
});
