/** Renews the option tables of examples/configuration.md; a test fails where they are out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { configJsonSchema } from '../../dist/index.js';
import { withOptionTables } from './option-table.mjs';

const file = new URL('../../examples/configuration.md', import.meta.url);
writeFileSync(file, withOptionTables(readFileSync(file, 'utf8'), configJsonSchema()));
