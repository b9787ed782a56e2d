import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { checkText } from '../../../src/cli/checks/configuration.js';
import { optionalSections } from '../../../src/client/config/config.js';
import { ConfigDocument } from '../../../src/registry/file/document.js';
import { clientsJsonSchema } from '../../../src/registry/file/json-schema.js';
import { good, traffic } from '../../cli/checks/good.js';
import { alternatives, rootSchema, type Schema } from '../../client/config/schema-walk.js';
import { root } from '../../package/run.js';

const valid = new Ajv2020({ strict: false, allErrors: true, logger: false }).compile(clientsJsonSchema());

/** What the schema has against a file. */
function refusals(file: unknown): string[] {
  valid(file);
  return (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

type Path = readonly (string | number)[];

/** Every place where a client may hold a value, those in lists included. */
function places(schema: Schema = rootSchema, path: Path = []): { path: Path; schema: Schema }[] {
  return alternatives(schema).flatMap(({ properties = {}, items }) => [
    ...Object.entries(properties).flatMap(([key, inner]) => within(inner, [...path, key])),
    ...(items === undefined ? [] : within(items, [...path, 0])),
  ]);
}

const within = (schema: Schema, path: Path) => [{ path, schema }, ...places(schema, path)];

const all = places().filter(({ path }) => path[0] !== 'name');

/** The least that must stand around a place. */
const surroundings: readonly [under: string, client: object][] = [
  ['tls.cert', { tls: { key: '/tls.key' } }],
  ['tls.key', { tls: { cert: '/tls.crt' } }],
  ['endpoints.static.0', { baseURL: 'http://a.test', endpoints: { static: [{ address: 'a.test:80' }] } }],
  ['endpoints.dns.names.', { baseURL: 'http://a.test', endpoints: { dns: { names: [{ address: 'a.test:80' }] } } }],
  ['endpoints.dns.', { baseURL: 'http://a.test', endpoints: { dns: { address: 'a.test:80' } } }],
  ['endpoints.srv.', { baseURL: 'http://a.test', endpoints: { srv: { name: 'a.test' } } }],
  ['endpoints', { baseURL: 'http://a.test' }],
  ['rateLimit.burst', { rateLimit: { requests: 1 } }],
  ['healthCheck.', { healthCheck: { path: '/' } }],
  ['split.', { split: [{ targets: [{ name: 'b', baseURL: 'http://b.test', weight: 1 }] }] }],
  ['mirror.', { mirror: [{ baseURL: 'http://b.test' }] }],
  ['fault.delay.', { fault: { delay: { duration: 1, fraction: 1 } } }],
  ['fault.abort.', { fault: { abort: { status: 503, fraction: 1 } } }],
];

function fileWith(path: Path, value: unknown): object {
  const dotted = path.join('.');
  const [, client = {}] = surroundings.find(([under]) => dotted.startsWith(under)) ?? [];
  return { clients: { a: put(client, path, value) } };
}

function put(holder: unknown, [key = '', ...rest]: Path, value: unknown): unknown {
  const inner = (holder as Record<string, unknown> | undefined)?.[key];
  const put_ = rest.length === 0 ? value : put(inner, rest, value);
  if (typeof key === 'string') return { ...(holder as object), [key]: put_ };
  return Object.assign([...((holder as unknown[] | undefined) ?? [])], { [key]: put_ });
}

const values = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    -2,
    0.5,
    1,
    1.5,
    7,
    99,
    100,
    101,
    200,
    404,
    600,
    10_001,
    70_000,
    1_000_001,
    86_400_001,
    5e9,
  ],
  ...['', 'x', 'x y', '5', '5s', '-5s', '1.5h', '5 s', '99h', '1d', '/x', 'a:1', ':1', 'a:b', '[::1]:1', '('],
  ...[
    'http://a.test',
    'http://a.test?x',
    'ftp://a.test',
    'a.test',
    'reset',
    '5xx',
    'random',
    'env',
    'TLSv1.2',
    'otel',
    'ttl',
    'any',
    `${'A'.repeat(43)}=`,
  ],
  ...[[], [null], [1], [404], [600], ['x'], [''], ['reset'], [{}], [[]], [`${'A'.repeat(43)}=`]],
  ...[{}, { zzzzzz: 1 }, { accept: 'x' }, { accept: 1 }, { 'a b': 'x' }, { accept: 'x\ny' }],
];

/** What JSON Schema has no words for, or leaves to the defaults. */
const beyondSchema = [
  /^must be between \d+ms and 24h$/,
  /^expected a full http or https URL$/,
  /^must not have a query, a fragment or white space$/,
  /^is not a regular expression$/,
  // Rules between options.
  /^must not be (longer|shorter) than (timeouts\.total|resetTimeout|baseEjectionTime)/,
  /^max must not be shorter than base$/,
  /^give exactly one of (its options|address and names)$/,
  /^the weights sum to 0/,
  /^expected an IP address, with a port or without$/,
  /^two targets have the same name$/,
  /^must be between minLimit and maxLimit$/,
  /^asks for more hedges than/,
];

const isBeyond = (message: string) => beyondSchema.some((rule) => rule.test(message));

/** What a client lacks its defaults may say. */
const isMissing = (message: string) => message.includes('is missing');

function faultsOf(file: object): string[] {
  return checkText(JSON.stringify(file), 'clients.json', { env: {}, files: false }).errors.map(
    ({ message }) => message,
  );
}

const written = (path: Path) => path.join('.');

describe('the JSON Schema of a file', () => {
  it('is the one that the package ships', () => {
    expect(JSON.parse(readFileSync(join(root, 'dist/schema.json'), 'utf8'))).toEqual(clientsJsonSchema());
  });

  it('names formats only that JSON Schema knows', () => {
    const formats = [...JSON.stringify(clientsJsonSchema()).matchAll(/"format":"([^"]+)"/g)].map(
      ([, format]) => format,
    );
    expect(new Set(formats)).toEqual(new Set());
  });

  const { 'a client that says nothing': bare, ...others } = good;

  it.each(Object.entries({ ...others, 'every option of traffic': traffic }))('accepts a file with %s', (_, text) => {
    expect(refusals(new ConfigDocument(text).value)).toEqual([]);
  });

  it('accepts a file with a client that says nothing', () => {
    expect(refusals(new ConfigDocument(bare ?? '').value)).toEqual([]);
  });

  it('walks over every option', () => {
    expect(all.length).toBeGreaterThan(130);
  });
});

describe('of all values, the JSON Schema', () => {
  it.each(all.map(({ path }) => [written(path), path] as const))(
    'takes and refuses what the parser does: %s',
    (_, path) => {
      const told = values.map((value) => {
        const file = fileWith(path, value);
        return { value, faults: faultsOf(file), refused: refusals(file) };
      });
      expect(told.filter(({ faults, refused }) => faults.length === 0 && refused.length > 0)).toEqual([]);
      const wrong = told.filter(({ faults }) => !faults.some(isMissing) && !faults.every(isBeyond));
      expect(wrong.filter(({ refused }) => refused.length === 0)).toEqual([]);
    },
  );
});

const isLeaf = ({ schema }: { schema: Schema }) =>
  alternatives(schema).every(({ type, properties, items }) => type !== 'object' && !properties && !items);

describe('a reference', () => {
  const leaves = all.filter(isLeaf).map(({ path }) => [written(path), path] as const);

  it.each(leaves)('may stand in place of any value: %s', (_, path) => {
    for (const reference of ['${NAME}', '${NAME:-x}', '${file:/run/secrets/x}', 'before ${NAME} after']) {
      expect(refusals(fileWith(path, reference))).toEqual([]);
      const { a } = (fileWith(path, reference) as { clients: { a: object } }).clients;
      expect(refusals({ defaults: a, clients: { b: {} } })).toEqual([]);
    }
  });

  it('may stand for false where a section may be switched off', () => {
    for (const section of ['timeouts', 'retry', 'circuitBreaker', 'limits', 'tracing', 'logging'])
      expect(refusals({ clients: { a: { [section]: '${OFF:-false}' } } })).toEqual([]);
  });

  it('may stand for false where an optional section may be taken out', () => {
    for (const section of optionalSections())
      expect(refusals({ clients: { a: { [section]: '${OFF:-false}' } } })).toEqual([]);
  });

  it('is no name of an option, and no client', () => {
    expect(refusals({ clients: { a: { '${NAME}': 1 } } })).not.toEqual([]);
    expect(refusals({ clients: { a: '${NAME}' } })).not.toEqual([]);
  });
});

describe('an unknown key', () => {
  const sections = all.filter(({ schema }) => alternatives(schema).some(({ properties }) => properties));

  it.each(sections.map(({ path }) => [written(path), path] as const))('is refused in %s', (_, path) => {
    expect(refusals(fileWith([...path, 'zzzzzz'], 1))).not.toEqual([]);
  });

  it('is refused at the top and in a client, and taken where it begins with x- at the top', () => {
    expect(refusals({ clients: { a: {} }, version: 2 })).not.toEqual([]);
    expect(refusals({ clients: { a: { retires: 3 } } })).not.toEqual([]);
    expect(refusals({ clients: { a: { name: 'a' } } })).not.toEqual([]);
    expect(refusals({ clients: { a: { 'x-note': 1 } } })).not.toEqual([]);
    expect(refusals({ clients: { a: {} }, 'x-note': [1] })).toEqual([]);
  });
});

describe('a shape that is none of a file of clients', () => {
  it.each([
    null,
    [],
    'clients',
    {},
    { clients: {} },
    { clients: null },
    { clients: [] },
    { clients: { 'a b': {} } },
    { clients: { '': {} } },
    { clients: { ['n'.repeat(101)]: {} } },
    { clients: { a: [] } },
    { clients: { a: false } },
    { clients: { a: {} }, defaults: [] },
    { clients: { a: {} }, defaults: null },
    { defaults: {} },
  ])('is refused: %j', (file) => {
    expect(refusals(file)).not.toEqual([]);
    expect(faultsOf(file as object)).not.toEqual([]);
  });
});
