/** docs/migrating/axios-retry.md: its table is what axios-retry and this library do, and it knows every option. */
// The program below starts servers, so this test is none of the fast ones.
import 'node:http';
import * as axiosRetry from 'axios-retry';
import { createHttpClient } from 'pillion';
import { expect, it } from 'vitest';
// @ts-expect-error plain JavaScript
import { axiosRetryTable, withAxiosRetryTable } from './axios-retry-table.mjs';
import { expectTables, page } from './tables.js';

const guide = 'docs/migrating/axios-retry.md';

it('shows what was measured just now (npm run docs renews it)', async () => {
  const table = await axiosRetryTable(createHttpClient);
  expectTables(guide, (text) => withAxiosRetryTable(text, table));
});

it('says what becomes of each option and each export of axios-retry', () => {
  const names = [...Object.keys(axiosRetry.DEFAULT_OPTIONS), ...Object.keys(axiosRetry)];
  const ours = new Set(['default', 'module.exports', '__esModule', 'DEFAULT_OPTIONS']);
  const missing = names.filter((name) => !ours.has(name) && !page(guide).includes(`\`${name}`));
  expect(missing).toEqual([]);
});
