import { configJsonSchema } from 'pillion';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/schema.js';
import { alternatives, configWith, options, rootSchema, sections } from './schema-walk.js';

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
      const said = parseConfig(configWith(path, schema.default));
      expect(said).toEqual(path.startsWith('tls.') ? parseConfig({ tls: {} }) : parseConfig({}));
    },
  );
});
