/** Reads a zod schema as plain data: the values that an option takes, in words, and the paths of all options. */
import { z } from 'zod';

type Path = readonly PropertyKey[];

/** The parts of JSON Schema that messages need. */
export interface OptionSchema {
  type?: string;
  properties?: Record<string, OptionSchema>;
  additionalProperties?: boolean | OptionSchema;
  anyOf?: OptionSchema[];
  required?: string[];
  default?: unknown;
  items?: OptionSchema;
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  /** Present where numbers and texts are durations. */
  'x-range'?: string;
}

const made = new WeakMap<z.ZodType, OptionSchema>();

function plainSchema(schema: z.ZodType): OptionSchema {
  const known = made.get(schema);
  if (known !== undefined) return known;
  const plain = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as OptionSchema;
  made.set(schema, plain);
  return plain;
}

/** A schema and all its alternatives. */
function alternatives(schema: OptionSchema): OptionSchema[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(alternatives)];
}

/** The schemas of all values that may stand at a path. */
export function schemasAt(schema: z.ZodType, path: Path): OptionSchema[] {
  let here = alternatives(plainSchema(schema));
  for (const key of path) here = here.flatMap((each) => within(each, key)).flatMap(alternatives);
  return here;
}

function within({ properties, additionalProperties, items }: OptionSchema, key: PropertyKey): OptionSchema[] {
  if (typeof key === 'number') return items === undefined ? [] : [items];
  const own = properties !== undefined && Object.hasOwn(properties, key) ? properties[String(key)] : undefined;
  const inner = own ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
  return inner === undefined ? [] : [inner];
}

/** The names of an object's options. */
export function keysOf(schemas: readonly OptionSchema[]): string[] {
  return schemas.flatMap(({ properties }) => Object.keys(properties ?? {}));
}

/** The paths of all options, except those inside lists. */
export function pathsIn(schema: z.ZodType): readonly string[][] {
  const known = listed.get(schema);
  if (known !== undefined) return known;
  const paths = pathsBelow(plainSchema(schema), []);
  listed.set(schema, paths);
  return paths;
}

const listed = new WeakMap<z.ZodType, readonly string[][]>();

function pathsBelow(schema: OptionSchema, at: readonly string[]): string[][] {
  return alternatives(schema).flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([key, inner]) => [[...at, key], ...pathsBelow(inner, [...at, key])]),
  );
}

const durationWords = 'milliseconds or a string such as "250ms" or "1.5s"';

/** The values that are taken, in words. */
export function inWords(schemas: readonly OptionSchema[]): string {
  if (isDuration(schemas)) return durationWords;
  const words = [...new Set(schemas.map(inWord).filter((each) => each !== undefined))];
  return words.sort((a, b) => Number(a === 'false') - Number(b === 'false')).join(' or ');
}

export function isDuration(schemas: readonly OptionSchema[]): boolean {
  return schemas.some((each) => each['x-range'] !== undefined);
}

function inWord({ type, enum: words, const: only, anyOf, properties, ...range }: OptionSchema): string | undefined {
  if (anyOf !== undefined) return undefined;
  if (only !== undefined) return JSON.stringify(only);
  if (words !== undefined) return `one of ${words.map((word) => JSON.stringify(word)).join(', ')}`;
  if (type === 'integer') return `a whole number${rangeWords(range)}`;
  if (type === 'object') return properties === undefined ? 'an object of names and values' : 'an object';
  return type === 'number' ? `a number${rangeWords(range)}` : typeWords[type ?? ''];
}

const typeWords: Readonly<Record<string, string>> = { boolean: 'true or false', string: 'text', array: 'a list' };

function rangeWords({ minimum, maximum }: OptionSchema): string {
  if (minimum === undefined) return '';
  // zod writes the bounds of a safe integer where an option has no bounds of its own.
  const open = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER;
  return open ? `, ${minimum} or more` : ` from ${minimum} to ${maximum}`;
}

/** True for a value that one of the schemas takes, as far as the plain data shows. */
export function accepts(schemas: readonly OptionSchema[], value: unknown): boolean {
  return schemas.some((schema) => schema.anyOf === undefined && takes(schema, value));
}

function takes(schema: OptionSchema, value: unknown): boolean {
  if (schema.const !== undefined) return schema.const === value;
  if (schema.enum !== undefined) return schema.enum.includes(value);
  switch (typeof value) {
    case 'string':
      return schema.type === 'string' && (schema.pattern === undefined || new RegExp(schema.pattern).test(value));
    case 'number':
      return takesNumber(schema, value);
    case 'boolean':
      return schema.type === 'boolean';
    default:
      return Array.isArray(value) && schema.type === 'array' && value.every((each) => takesItem(schema, each));
  }
}

function takesNumber({ type, minimum = -Infinity, maximum = Infinity }: OptionSchema, value: number): boolean {
  const fits = type === 'number' || (type === 'integer' && Number.isInteger(value));
  return fits && value >= minimum && value <= maximum;
}

function takesItem({ items }: OptionSchema, value: unknown): boolean {
  return items !== undefined && accepts(alternatives(items), value);
}

/** The schemas of a list's items. */
export function itemsOf(schemas: readonly OptionSchema[]): OptionSchema[] {
  return schemas.flatMap(({ items }) => (items === undefined ? [] : alternatives(items)));
}
