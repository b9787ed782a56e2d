import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ConfigFault } from '../../../src/registry/file/config-faults.js';
import { ConfigDocument } from '../../../src/registry/file/document.js';
import { ParsedClients } from '../../../src/registry/file/named-clients.js';
import { options } from '../../client/config/schema-walk.js';

const env = { NAME: 'value', COUNT: '3' };

function parse(text: string): ParsedClients {
  return new ParsedClients(new ConfigDocument(text), 'clients.yaml', { env });
}

let documents = 0;
let slowest = 0;

/** CPU time: what else the machine does is not the parser's time. */
function time(text: string): { parsed: ParsedClients; ms: number } {
  const start = process.cpuUsage();
  const parsed = parse(text);
  const { user, system } = process.cpuUsage(start);
  const ms = (user + system) / 1000;
  slowest = Math.max(slowest, ms);
  documents++;
  return { parsed, ms };
}

const ordinary = `x-many:\n${Array.from({ length: 500 }, (_, index) => `  c${index}: 1\n`).join('')}`;

/** The most that `toOrdinary` may be. */
const allowed = 2;

/**
 * CPU time of a document to that of an ordinary one as large as the bounds allow, if each line takes as long as in one of 500
 * lines: about 65 ms on the machine on which the bounds were chosen. The least of at most five, by turns, so that the speed of
 * the machine, which changes, cancels out.
 */
function toOrdinary(text: string): number {
  const least = { own: Number.POSITIVE_INFINITY, ordinary: Number.POSITIVE_INFINITY };
  let ratio = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5 && ratio >= allowed; round++) {
    least.own = Math.min(least.own, time(text).ms);
    least.ordinary = Math.min(least.ordinary, time(ordinary).ms);
    ratio = least.own / (10 * least.ordinary);
  }
  return ratio;
}

const known = Object.getOwnPropertyNames(Object.prototype).sort();

/** A located fault, or clients; never anything else. */
function holdsFor(text: string): void {
  const { parsed, ms } = time(text);
  const lines = text.split('\n');
  if (parsed.faults.length === 0) expect(parsed.clients.length).toBeGreaterThan(0);
  for (const fault of parsed.faults) expect(isLocated(fault, lines), `${JSON.stringify(fault)} in ${text}`).toBe(true);
  if (ms > 100) expect(toOrdinary(text)).toBeLessThan(allowed);
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(known);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
}

function isLocated({ line = 0, column = 0, message }: ConfigFault, lines: readonly string[]): boolean {
  const text = lines[line - 1];
  return message.length > 0 && text !== undefined && column >= 1 && column <= text.length + 1;
}

const valid = {
  defaults: { timeouts: { total: '5s', attempt: '1s' }, headers: { 'x-team': 'payments' } },
  clients: {
    billing: {
      baseURL: 'https://billing.internal',
      retry: { maxRetries: 3, on: ['5xx', 429], backoff: { base: '50ms', max: '1s' }, budget: { ratio: 0.2 } },
      limits: { maxRequests: 200, maxPendingRequests: 100 },
      tls: { cert: '/etc/certs/tls.crt', key: '/etc/certs/tls.key', pins: [`${'A'.repeat(43)}=`] },
      split: [{ targets: [{ name: 'a', baseURL: 'http://a', weight: 80 }] }],
      outlierDetection: { consecutiveFailures: 5 },
    },
    users: { baseURL: 'http://users', logging: false, circuitBreaker: { volumeThreshold: 5 } },
  },
};
const texts = [
  stringify(valid),
  JSON.stringify(valid),
  JSON.stringify(valid, null, 2),
  stringify(valid, { indent: 4 }),
];

const paths = options().map(({ path }) => path.split('.'));
const keys = [
  ...new Set([...paths.flat(), '__proto__', 'constructor', 'prototype', 'toString', '<<', '', ' ', '${NAME}']),
];

/** Any value a YAML file may hold, with keys that mean something and keys that are dangerous. */
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.string(),
      fc.constantFrom('5s', '-1ms', '${NAME}', '${COUNT}', '${', '${file:/x}', '5xx', 'http://a'),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 8 })), tie('value'), { maxKeys: 5 }),
  ),
})).value;

/** With `value` in place of whatever is at the path. */
function replaced(config: unknown, [key, ...rest]: readonly string[], what: unknown): unknown {
  if (key === undefined) return what;
  const inner = typeof config === 'object' && config !== null ? config : {};
  return { ...inner, [key]: replaced((inner as Record<string, unknown>)[key], rest, what) };
}

/** A huge document repeats one of them. */
const units = [
  '[',
  '{a: ',
  '- ',
  '? ',
  'a: 1\n',
  '"',
  '*a\n',
  '&a ',
  '!a ',
  ',',
  ': ',
  '# x\n',
  'a',
  ' ',
  '\n',
  '{',
  "'",
  '%',
  '|\n',
  '---\n',
  'a:\n ',
  '${',
  '${A}',
];

const runs = (numRuns: number) => ({ numRuns, endOnFailure: true });

describe('a document is taken or has located faults, in time, and pollutes nothing', () => {
  it.each([
    ['YAML', (config: unknown) => stringify(config, { aliasDuplicateObjects: false })],
    ['JSON', (config: unknown) => JSON.stringify(config)],
  ])('where any option of a valid one has any value, as %s (2,000)', (_, write) => {
    const where = fc.oneof(
      fc.constantFrom(...paths).map((path) => ['clients', 'billing', ...path]),
      fc.constantFrom(...paths).map((path) => ['defaults', ...path]),
      fc.constantFrom(['clients'], ['clients', 'billing'], ['defaults'], ['clients', '__proto__'], ['x-anchors']),
    );
    fc.assert(
      fc.property(where, value, (path, what) => holdsFor(write(replaced(valid, path, what)))),
      runs(2000),
    );
  });

  it('where a valid text is cut, doubled and sprinkled with characters (3,500)', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ' ',
      '\n',
      '\t',
      '- ',
      '? ',
      '&a ',
      '*a',
      '!!set ',
      '|\n',
      '"',
      "'",
      '#',
      '%',
      ',',
      '---\n',
      '...\n',
      '<<: ',
      '__proto__: ',
      '\r',
      '\u0000',
      '\u2028',
      '\ufeff',
      '𝕏',
    );
    const edit = fc.tuple(fc.nat(), fc.nat({ max: 40 }), fc.array(piece, { maxLength: 4 }));
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 6 }), (text, edits) => {
        let changed = text;
        for (const [place, length, pieces] of edits) {
          const at = place % (changed.length + 1);
          changed = changed.slice(0, at) + pieces.join('') + changed.slice(at + length);
        }
        holdsFor(changed);
      }),
      runs(3500),
    );
  });

  it('where it is no configuration at all (1,900)', () => {
    const words = fc.array(
      fc.constantFrom(
        'a',
        ': ',
        '\n',
        '  ',
        '- ',
        '[',
        ']',
        '{',
        '}',
        ',',
        '&x ',
        '*x',
        '"',
        '1',
        '!t ',
        '? ',
        'clients',
        '__proto__',
      ),
      { maxLength: 200 },
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      words.map((all) => all.join('')),
      value.map((each) => stringify(each)),
    );
    fc.assert(fc.property(text, holdsFor), runs(1900));
  });

  it.each(['', 'clients: ', 'clients:\n  users: ', '['])('where it is huge, after %j (138)', (start) => {
    for (const unit of units)
      for (const count of [10, 100, 1000, 5000, 20_000, 100_000]) holdsFor(start + unit.repeat(count));
  });

  it('where it is deep (50)', () => {
    for (let depth = 1; depth <= 50; depth++)
      holdsFor(`${Array.from({ length: depth * 10 }, (_, level) => `${' '.repeat(level)}a:`).join('\n')} 1\n`);
  });

  it('where its aliases multiply (50)', () => {
    for (let wide = 2; wide <= 11; wide++) {
      for (let deep = 2; deep <= 6; deep++) {
        const names = Array.from({ length: deep * 2 }, (_, index) => `n${index}`);
        const lines = names.map((name, index) => {
          const inner = Array(wide).fill(index === 0 ? 'x' : `*n${index - 1}`);
          return `x-${name}: &${name} [${inner.join(', ')}]`;
        });
        holdsFor(`${lines.join('\n')}\nclients:\n  users: { retry: { on: *n${deep * 2 - 1} } }\n`);
      }
    }
  });

  afterAll(() => console.log(`${documents} documents, the slowest took ${slowest.toFixed(0)} ms`));
});
