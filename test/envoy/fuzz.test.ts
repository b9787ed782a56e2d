import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { PillionError } from 'pillion';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { importEnvoy } from '../../src/envoy/import.js';
import { formatReport } from '../../src/envoy/report.js';

const folder = new URL('bootstraps/', import.meta.url);
const bootstraps = readdirSync(folder)
  .filter((name) => !name.includes('expected'))
  .map((name) => parse(readFileSync(new URL(name, folder), 'utf8')) as object);

type Key = string | number;

/** Where every part of a document is. */
function pathsOf(value: unknown, path: readonly Key[] = []): (readonly Key[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

/** A copy with something else in one place, or without it. */
function changed(value: unknown, [key, ...rest]: readonly Key[], what: unknown): unknown {
  if (key === undefined || typeof value !== 'object' || value === null) return what;
  if (Array.isArray(value))
    return value.flatMap((item, index) => {
      if (String(index) !== String(key)) return [item];
      return what === undefined && rest.length === 0 ? [] : [changed(item, rest, what)];
    });
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    if (name !== String(key)) return [[name, inner]];
    return what === undefined && rest.length === 0 ? [] : [[name, changed(inner, rest, what)]];
  });
  return Object.fromEntries(entries);
}

const replacement = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom(null, '', 'text', '0s', '99999s', -1, 0, 1e12, true, [], {}, [[]], { a: { b: 1 } }, '%X%', 'STATIC'),
  fc.constantFrom(...bootstraps),
);

it('any part of a bootstrap may be missing or something else: it is told of, and nothing breaks', () => {
  const documents = fc.constantFrom(...bootstraps).chain((bootstrap) => {
    const place = fc.constantFrom(...pathsOf(bootstrap));
    return fc.array(fc.tuple(place, replacement), { minLength: 1, maxLength: 3 }).map((edits) => {
      let document: unknown = bootstrap;
      for (const [path, what] of edits) document = changed(document, path, what);
      return document;
    });
  });
  fc.assert(
    fc.property(documents, (document) => {
      const text = stringify(document, { aliasDuplicateObjects: false }) ?? '';
      try {
        const { config, yaml, report } = importEnvoy(text, 'envoy.yaml');
        expect(parse(yaml)).toEqual(JSON.parse(JSON.stringify(config)));
        expect(formatReport(report, 'envoy.yaml')).toMatch(/\d+ exact\n$/);
      } catch (error) {
        if (!(error instanceof PillionError)) throw error;
        expect(error.message).toMatch(/^envoy\.yaml:\d+:\d+ /);
      }
    }),
    { numRuns: 1000 },
  );
});
