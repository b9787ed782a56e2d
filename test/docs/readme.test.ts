import { readFileSync } from 'node:fs';
import { configJsonSchema, ErrorCode } from 'pillion';
import { describe, expect, it } from 'vitest';
// @ts-expect-error plain JavaScript, shared with `npm run docs`
import { withOptionTables } from './option-table.mjs';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('README.md', () => {
  it('shows the options of the schema (npm run docs renews them)', () => {
    expect(withOptionTables(readme, configJsonSchema())).toBe(readme);
  });

  it('lists every error code, and no other', () => {
    const table = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## Testing'));
    const listed = [...table.matchAll(/^\| `(ERR_[A-Z_]+)`/gm)].map(([, code]) => code);
    expect(listed.sort()).toEqual(Object.values(ErrorCode).sort());
  });
});
