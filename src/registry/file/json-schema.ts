/** The JSON Schema of a file of clients, for editors: as a client's own, with references and without what defaults may say. */
import { configJsonSchema, optionalSections } from '../../client/config/config.js';

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  [keyword: string]: unknown;
}

/** Draft 2020-12. */
export function clientsJsonSchema(): Record<string, unknown> {
  const client = { $ref: '#/$defs/client' };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'HTTP clients of a service (pillion)',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      defaults: { ...client, description: 'Merged under each of `clients`.' },
      clients: {
        type: 'object',
        description: 'Clients by name.',
        minProperties: 1,
        propertyNames: { pattern: '^[\\w./-]{1,100}$' },
        // `billing:` with nothing behind it has the defaults.
        additionalProperties: { anyOf: [client, { type: 'null' }] },
      },
    },
    patternProperties: { '^x-': { description: 'Ignored: a place for YAML anchors.' } },
    required: ['clients'],
    additionalProperties: false,
    $defs: { client: clientSchema(), reference },
  };
}

const reference: JsonSchema = {
  type: 'string',
  pattern: '\\$\\{',
  description: '`${NAME}`, `${NAME:-default}` or `${file:/path}`',
};

function clientSchema(): JsonSchema {
  const { $schema: _, properties = {}, ...rest } = configJsonSchema() as JsonSchema;
  const { name: __, ...options } = properties;
  const opened = Object.entries(options).map(([name, option]) => [
    name,
    optionalSections.includes(name) ? orFalse(open(option)) : open(option),
  ]);
  return { ...rest, properties: Object.fromEntries(opened) };
}

/** Takes out what the defaults say. */
function orFalse({ description, ...section }: JsonSchema): JsonSchema {
  return { description, anyOf: [{ const: false }, { $ref: '#/$defs/reference' }, section] };
}

/** What one client lacks the defaults may say, and any value may be a reference. */
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
