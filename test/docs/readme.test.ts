import { readFileSync } from 'node:fs';
import { configJsonSchema, createHttpClient, ErrorCode } from 'pillion';
import { describe, expect, it } from 'vitest';
import * as instruments from '../../src/metrics/instruments.js';
// @ts-expect-error plain JavaScript, shared with `npm run docs`
import { withMetricTable } from './metric-table.mjs';
// @ts-expect-error plain JavaScript, shared with `npm run docs`
import { withOptionTables } from './option-table.mjs';

const page = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const readme = page('README.md');

describe('docs/options.md', () => {
  it('shows the options of the schema (npm run docs renews them)', () => {
    const text = page('docs/options.md');
    expect(withOptionTables(text, configJsonSchema())).toBe(text);
  });
});

describe('docs/observability.md', () => {
  it('shows every metric (npm run docs renews them)', () => {
    const text = page('docs/observability.md');
    expect(withMetricTable(text, instruments)).toBe(text);
  });
});

describe('README.md', () => {
  it('can be read in five minutes: 1,300 words at the most, code and tables apart', () => {
    const prose = readme.replace(/```.*?```/gs, '').replace(/^\|.*$/gm, '');
    expect(prose.split(/\s+/).length).toBeLessThan(1300);
  });

  it('shows the path of a request as the stack has it, outermost first', () => {
    const block = /## The path of a request\n.*?```\n(.*?)```/s.exec(readme)?.[1] ?? '';
    const shown = [...block.matchAll(/^.{19}([a-zA-Z.]+) {2,}\S/gm)].map(([, name]) => name);
    const target = { baseURL: 'http://a.test' };
    const { pipeline } = createHttpClient({
      ...{
        ...target,
        split: [{ targets: [{ ...target, name: 'a', weight: 1 }] }],
        mirror: [{ ...target, fraction: 0.1 }],
      },
      ...{ hedging: {}, rateLimit: { requests: 1 }, endpoints: { static: [{ address: '127.0.0.1:1' }] }, fault: {} },
      ...{ outlierDetection: {}, healthCheck: { path: '/' }, adaptiveConcurrency: {}, deadlineHeader: {} },
    });
    expect(shown).toEqual(pipeline);
  });

  it('lists every error code, and no other', () => {
    const table = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## Testing'));
    const listed = [...table.matchAll(/^\| `(ERR_[A-Z_]+)`/gm)].map(([, code]) => code);
    expect(listed.sort()).toEqual(Object.values(ErrorCode).sort());
  });
});
