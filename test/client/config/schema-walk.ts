/** Every option of the configuration, read off its JSON Schema, so that a new option cannot slip past the tests. */
import { configJsonSchema } from 'pillion';

export interface Schema {
  type?: string;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  minItems?: number;
  pattern?: string;
}

export interface Option {
  /** Dotted, as in messages. */
  readonly path: string;
  readonly schema: Schema;
}

export const rootSchema = configJsonSchema() as Schema;

/** A schema and everything it may be instead. */
export function alternatives(schema: Schema): Schema[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(alternatives)];
}

/** The options, sections included, outermost first. */
export function options(schema: Schema = rootSchema, path: readonly string[] = []): Option[] {
  return alternatives(schema).flatMap((each) =>
    Object.entries(each.properties ?? {}).flatMap(([key, inner]) => [
      { path: [...path, key].join('.'), schema: inner },
      ...options(inner, [...path, key]),
    ]),
  );
}

/** The objects that know their keys: the whole configuration (path '') and every section. */
export function sections(): { path: string; keys: string[] }[] {
  return [{ path: '', schema: rootSchema }, ...options()].flatMap(({ path, schema }) =>
    alternatives(schema)
      .filter(({ properties }) => properties !== undefined)
      .map(({ properties = {} }) => ({ path, keys: Object.keys(properties) })),
  );
}

/** A configuration that holds `value` at a dotted path and nothing else. */
export function configWith(path: string, value: unknown): object {
  const [key = '', ...rest] = path.split('.');
  return { [key]: rest.length === 0 ? value : configWith(rest.join('.'), value) };
}
