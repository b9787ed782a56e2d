/** docs/migrating/axios-retry.md: its table is what axios-retry and this library do, and it knows every option. */
import { readFileSync } from 'node:fs';
// The program below starts servers, so this test is none of the fast ones.
import 'node:http';
import * as axiosRetry from 'axios-retry';
import { createHttpClient } from 'pillion';
import { expect, it } from 'vitest';
// @ts-expect-error plain JavaScript, shared with `npm run docs`
import { axiosRetryTable } from './axios-retry-table.mjs';

const page = readFileSync(new URL('../../docs/migrating/axios-retry.md', import.meta.url), 'utf8');

it('shows what was measured just now', async () => {
  expect(page).toContain(await axiosRetryTable(createHttpClient));
});

it('says what becomes of each option and each export of axios-retry', () => {
  const names = [...Object.keys(axiosRetry.DEFAULT_OPTIONS), ...Object.keys(axiosRetry)];
  const ours = new Set(['default', 'module.exports', '__esModule', 'DEFAULT_OPTIONS']);
  const missing = names.filter((name) => !ours.has(name) && !page.includes(`\`${name}`));
  expect(missing).toEqual([]);
});
