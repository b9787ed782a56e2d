/** Renews the tables that are made from the source; a test fails where they are out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { configJsonSchema, createHttpClient } from '../../dist/index.js';
import * as instruments from '../../dist/metrics/instruments.js';
import { axiosRetryTable, withAxiosRetryTable } from './axios-retry-table.mjs';
import { withMetricTable } from './metric-table.mjs';
import { withOptionTables } from './option-table.mjs';

function renew(path, change) {
  const file = new URL(`../../${path}`, import.meta.url);
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

renew('docs/options.md', (page) => withOptionTables(page, configJsonSchema()));
renew('docs/observability.md', (page) => withMetricTable(page, instruments));

const measured = await axiosRetryTable(createHttpClient);
renew('docs/migrating/axios-retry.md', (page) => withAxiosRetryTable(page, measured));
