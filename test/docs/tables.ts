/** Tables of the docs that are made from the source or measured; `npm run docs` writes them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

const fileOf = (path: string) => new URL(`../../${path}`, import.meta.url);

export const page = (path: string): string => readFileSync(fileOf(path), 'utf8');

/** Expects that a page has the tables that `made` gives it; with `RECORD=1` it is written. */
export function expectTables(path: string, made: (text: string) => string): void {
  const text = made(page(path));
  if (process.env.RECORD === '1') writeFileSync(fileOf(path), text);
  expect(page(path)).toBe(text);
}
