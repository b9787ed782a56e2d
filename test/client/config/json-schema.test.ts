import { configJsonSchema } from 'pillion';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/client/config/config.js';
import { alternatives, options, rootSchema, sections } from './schema-walk.js';

describe('the JSON Schema', () => {
  it('is the published one; a change to it is a change to what users may write', async () => {
    await expect(`${JSON.stringify(configJsonSchema(), null, 2)}\n`).toMatchFileSnapshot('./json-schema.snap');
  });

  it('names its dialect and is plain JSON', () => {
    expect(rootSchema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
    expect(JSON.parse(JSON.stringify(rootSchema))).toEqual(rootSchema);
  });

  it('is a fresh object each time', () => {
    Object.assign(configJsonSchema(), { properties: {} });
    expect(configJsonSchema()).toEqual(rootSchema);
  });

  it('describes every option', () => {
    expect(options().filter(({ schema }) => !schema.description)).toEqual([]);
  });

  it('allows no unknown key in any section', () => {
    for (const { path } of sections()) {
      const schema = path === '' ? rootSchema : options().find((option) => option.path === path)?.schema;
      const open = alternatives(schema ?? {}).filter((each) => each.properties && each.additionalProperties !== false);
      expect(open, path).toEqual([]);
    }
  });

  it.each(options().filter(({ schema }) => schema.default !== undefined))(
    'gives $path the default that a configuration without it gets',
    ({ path, schema }) => {
      const least = Object.entries(optional).find(([section]) => path.startsWith(`${section}.`))?.[1] ?? {};
      const said = withValue(least, path.split('.'), schema.default);
      expect(parseConfig(said)).toEqual(parseConfig(least));
    },
  );
});

/** The least that sections which are off by default may hold. */
const optional: Record<string, object> = {
  tls: { tls: {} },
  'retry.maxConcurrentRetries': { retry: { maxConcurrentRetries: {} } },
  'endpoints.dns': { baseURL: 'http://api.test', endpoints: { dns: { address: 'api.test:80' } } },
  'endpoints.srv': { baseURL: 'http://api.test', endpoints: { srv: { name: 'api.test' } } },
  balance: { balance: {} },
  'outlierDetection.failurePercentage': { outlierDetection: { failurePercentage: {} } },
  outlierDetection: { outlierDetection: {} },
  healthCheck: { healthCheck: { path: '/' } },
  requestHeaders: { requestHeaders: {} },
  hedging: { hedging: {} },
  rateLimit: { rateLimit: {} },
  adaptiveConcurrency: { adaptiveConcurrency: {} },
  deadlineHeader: { deadlineHeader: {} },
  'fault.delay': { fault: { delay: { duration: 1 } } },
  'fault.abort': { fault: { abort: { status: 503 } } },
  'fault.reset': { fault: { reset: {} } },
  'fault.truncate': { fault: { truncate: {} } },
  fault: { fault: {} },
};

function withValue(config: object, [key = '', ...rest]: string[], value: unknown): object {
  const inner = (config as Record<string, object>)[key];
  return { ...config, [key]: rest.length === 0 ? value : withValue(inner ?? {}, rest, value) };
}
