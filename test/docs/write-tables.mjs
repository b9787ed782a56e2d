/** Renews the tables that are made from the source; a test fails where they are out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { configJsonSchema } from '../../dist/index.js';
import * as instruments from '../../dist/metrics/instruments.js';
import { withMetricTable } from './metric-table.mjs';
import { withOptionTables } from './option-table.mjs';

function renew(path, change) {
  const file = new URL(`../../${path}`, import.meta.url);
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

renew('docs/options.md', (page) => withOptionTables(page, configJsonSchema()));
renew('docs/observability.md', (page) => withMetricTable(page, instruments));
