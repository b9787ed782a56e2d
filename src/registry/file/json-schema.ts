/**
 * The JSON Schema of a configuration file, for editors: the schema of one client, with references allowed and without
 * required options, since `defaults` may set these.
 */
import { configJsonSchema, optionalSections } from '../../client/config/config.js';

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  [keyword: string]: unknown;
}

/** The schema of a configuration file, as JSON Schema draft 2020-12. */
export function clientsJsonSchema(): Record<string, unknown> {
  const client = { $ref: '#/$defs/client' };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'HTTP clients of a service (pillion)',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      defaults: {
        ...client,
        description: 'Options merged under each of `clients`, key by key; a client overrides them.',
      },
      clients: {
        type: 'object',
        description: 'The options of each client, by its name.',
        minProperties: 1,
        propertyNames: { pattern: '^[\\w./-]{1,100}$' },
        // `billing:` without a value is a client with the defaults only.
        additionalProperties: { anyOf: [client, { type: 'null' }] },
      },
    },
    patternProperties: { '^x-': { description: 'Ignored; use such a key to define YAML anchors.' } },
    required: ['clients'],
    additionalProperties: false,
    $defs: { client: clientSchema(), reference },
  };
}

const reference: JsonSchema = {
  type: 'string',
  pattern: '\\$\\{',
  description: 'A reference: `${NAME}`, `${NAME:-default}` or `${file:/path}`.',
};

function clientSchema(): JsonSchema {
  const { $schema: _, properties = {}, ...rest } = configJsonSchema() as JsonSchema;
  const { name: __, ...options } = properties;
  const opened = Object.entries(options).map(([name, option]) => [
    name,
    optionalSections().includes(name) ? orFalse(open(option)) : open(option),
  ]);
  return { ...rest, properties: Object.fromEntries(opened) };
}

/** Allows `false` for an optional section, which removes the section that `defaults` sets. */
function orFalse({ description, ...section }: JsonSchema): JsonSchema {
  return { description, anyOf: [{ const: false }, { $ref: '#/$defs/reference' }, section] };
}

/** Drops `required`, because `defaults` may set the option, and allows a reference for any value. */
function open({ required: _, ...schema }: JsonSchema): JsonSchema {
  if (schema.properties !== undefined)
    return {
      ...schema,
      properties: Object.fromEntries(Object.entries(schema.properties).map(([key, inner]) => [key, open(inner)])),
    };
  if (schema.items !== undefined) return { ...schema, items: open(schema.items) };
  if (schema.anyOf?.some(isContainer)) return { ...schema, anyOf: schema.anyOf.map(open) };
  return isContainer(schema) || isAnyText(schema) ? schema : orReference(schema);
}

function isContainer({ type, properties, items, anyOf = [] }: JsonSchema): boolean {
  return type === 'object' || properties !== undefined || items !== undefined || anyOf.some(isContainer);
}

function isAnyText({ type, pattern, enum: words }: JsonSchema): boolean {
  return type === 'string' && pattern === undefined && words === undefined;
}

function orReference({ description, default: standard, ...schema }: JsonSchema): JsonSchema {
  return {
    ...(description !== undefined && { description }),
    ...(standard !== undefined && { default: standard }),
    anyOf: [...(schema.anyOf ?? [schema]), { $ref: '#/$defs/reference' }],
  };
}
