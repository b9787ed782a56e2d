import { readFileSync } from 'node:fs';
import { configJsonSchema, ErrorCode } from 'pillion';
import { describe, expect, it } from 'vitest';
import * as instruments from '../../src/metrics/instruments.js';
// @ts-expect-error plain JavaScript, shared with `npm run docs`
import { withMetricTable } from './metric-table.mjs';
// @ts-expect-error plain JavaScript, shared with `npm run docs`
import { withOptionTables } from './option-table.mjs';

const page = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const readme = page('README.md');

describe('examples/configuration.md', () => {
  it('shows the options of the schema (npm run docs renews them)', () => {
    const text = page('examples/configuration.md');
    expect(withOptionTables(text, configJsonSchema())).toBe(text);
  });
});

describe('examples/observability/README.md', () => {
  it('shows every metric (npm run docs renews them)', () => {
    const text = page('examples/observability/README.md');
    expect(withMetricTable(text, instruments)).toBe(text);
  });
});

describe('README.md', () => {
  it('can be read in five minutes: 1,300 words at the most, code and tables apart', () => {
    const prose = readme.replace(/```.*?```/gs, '').replace(/^\|.*$/gm, '');
    expect(prose.split(/\s+/).length).toBeLessThan(1300);
  });

  it('lists every error code, and no other', () => {
    const table = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## Testing'));
    const listed = [...table.matchAll(/^\| `(ERR_[A-Z_]+)`/gm)].map(([, code]) => code);
    expect(listed.sort()).toEqual(Object.values(ErrorCode).sort());
  });
});
