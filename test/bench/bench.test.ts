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
  heap: number;
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
  p50: number;
  p99: number;
  heap: number;
}

interface Report {
  node: string;
  pinned: boolean;
  rounds: number;
  cases: { name: string; title: string; callers: number }[];
  variants: Record<string, string>;
  results: Record<string, Row[]>;
  studies: Record<string, Record<string, Record<string, number>>>;
  samples: Record<string, Record<string, Sample[]>>;
}

const run = (...args: string[]) => promisify(execFile)(process.execPath, ['test/bench/run.mjs', ...args]);
const cases = ['post-50', 'download-10m-stream'];
const variants = ['axios', 'pillion'];
const outcomes = ['succeeds', 'fails with 503', 'turned away, no log line', 'turned away, aggregated log line'];

describe('the benchmark (against dist: build first)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-bench-'));
  const file = join(folder, 'report.json');
  let text: string;
  let report: Report;

  beforeAll(async () => {
    const chosen = ['--cases', [...cases, 'failure-path'].join(','), '--variants', variants.join(',')];
    text = (await run('--quick', '--seconds', '0.02', ...chosen, '--json', file)).stdout;
    report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('prints what it ran on, and a row with two ratios for each variant and case', () => {
    expect(text).toContain(`Node ${process.version}`);
    expect(text).toContain(report.pinned ? 'pinned to a core each' : 'Not pinned');
    const rows = text.split('\n').filter((line) => / \d+\.\d\dx .* \d+\.\d\dx /.test(line));
    expect(rows).toHaveLength(cases.length * variants.length);
    expect(
      rows.filter((row) => /^ {2}axios, http adapter \(\d+\.\d+\.\d+\) .* 1\.00x .* 1\.00x /.test(row)),
    ).toHaveLength(cases.length);
  });

  it.each(cases)('writes ratios to axios that follow from the samples of %s', (name) => {
    const samples = report.samples[name] ?? {};
    const base = samples.axios?.[0];
    expect(report.results[name]?.map(({ variant }) => variant)).toEqual(variants);
    for (const row of report.results[name] ?? []) {
      const sample = samples[row.variant]?.[0];
      expect(sample?.p99).toBeGreaterThanOrEqual(sample?.p50 ?? Number.POSITIVE_INFINITY);
      expect(row).toMatchObject({ p50: sample?.p50, p99: sample?.p99, heap: sample?.heap });
      for (const field of ['throughput', 'cpu'] as const) {
        expect(sample?.[field]).toBeGreaterThan(0);
        const ratio = (sample?.[field] ?? 0) / (base?.[field] ?? 0);
        expect(row[field].median).toBe(sample?.[field]);
        expect(row[field].ratio).toBeCloseTo(ratio);
        expect([row[field].lowest, row[field].highest]).toEqual([ratio, ratio]);
      }
    }
  });

  it('measures calls that fail and calls that are refused', () => {
    const cpu = report.studies['failure-path']?.['20'] ?? {};
    expect(Object.keys(cpu)).toEqual(expect.arrayContaining(outcomes));
    for (const name of outcomes) expect(cpu[name]).toBeGreaterThan(0);
  });

  it('draws a bar for throughput and one for CPU for each variant and case', () => {
    const svg = readFileSync(join(folder, 'report.svg'), 'utf8');
    expect(svg.match(/<rect /g)).toHaveLength(2 * cases.length * variants.length);
    for (const title of Object.values(report.variants)) expect(svg).toContain(`>${title}</text>`);
  });

  it('leaves the kept results, which the README shows, to whole runs', async () => {
    const kept = readFileSync(new URL('results.json', import.meta.url), 'utf8');
    await run('--quick', '--seconds', '0.02', '--cases', 'get-1', '--variants', 'axios');
    expect(readFileSync(new URL('results.json', import.meta.url), 'utf8')).toBe(kept);
    const { results, cases: all, variants: titles } = JSON.parse(kept) as Report;
    expect(Object.keys(results)).toEqual(all.map(({ name }) => name));
    expect([all.length, Object.keys(titles).length]).toEqual([12, 12]);
  });

  it.each([
    ['--rounds', 'many', '--rounds has to be a whole number above 0, not "many"'],
    ['--seconds', '-1', '--seconds has to be a number above 0, not "-1"'],
    ['--cases', 'get-50,nothing', '--cases takes some of get-1, get-50,'],
    ['--variants', 'nothing', '--variants takes some of axios, axios-fetch,'],
  ])('refuses %s %s', async (option, value, message) => {
    await expect(run(`${option}=${value}`)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    });
  });
});
