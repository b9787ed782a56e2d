/** Durations, sizes and what to say when an option is wrong. */
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { ErrorCode, PillionError } from './errors.js';
import { dataOf } from './own.js';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const day = 24 * units.h;

/** Milliseconds as a number, or a string with a unit: `'250ms'`, `'1.5s'`, `'2m'`, `'1h'`. */
export type Duration = number | `${number}${keyof typeof units}`;

const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** Milliseconds of a duration; NaN where it is none. */
export function milliseconds(value: Duration): number {
  if (typeof value === 'number') return value;
  const [, amount, unit] = pattern.exec(String(value)) ?? [];
  return Number(amount) * units[unit as keyof typeof units];
}

/** A header's name, as RFC 9110 has it. */
export const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: 'expected the name of a header' });

/** A header's value: one line of visible characters. */
export const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, { error: 'expected one line of text' });

/** Metadata key: the default of an option whose default depends on another one; shown in the JSON Schema. */
export const assumed = 'x-default';

const durationForm = 'expected milliseconds or a string such as "250ms" or "1.5s"';
const durationText = z.templateLiteral([z.number(), z.enum(['ms', 's', 'm', 'h'])]);

/** A duration between `min` and `max` milliseconds (default: 0 to 24 h). */
export function duration({ min = 0, max = day }: { min?: number; max?: number } = {}) {
  return z
    .union([z.number(), durationText], {
      error: ({ input }) => `${input === undefined ? 'is missing: ' : ''}${durationForm}`,
    })
    .transform(milliseconds)
    .refine((ms) => ms >= min && ms <= max, { error: `must be between ${spell(min)} and ${spell(max)}` })
    .meta({ 'x-range': `${spell(min)} to ${spell(max)}` });
}

function spell(ms: number): string {
  return ms === day ? '24h' : `${ms}ms`;
}

/** What is wrong with one option. */
export interface OptionFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** The key itself is wrong, not its value. */
  readonly unknown?: boolean;
}

/**
 * Parses `input` by `schema`.
 * @throws PillionError ERR_CONFIG that lists every fault: where, what and, for an unknown key, the nearest known one.
 */
export function parseOptions<Schema extends z.ZodType>(schema: Schema, input: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(dataOf(input));
  if (result.success) return dataOf(result.data) as z.output<Schema>;
  const faults = faultsOf(result.error, schema).map(({ path, message }) => `${dotted(path)}: ${message}`);
  throw new PillionError(ErrorCode.CONFIG, `Bad configuration of ${what}: ${faults.join('; ')}.`);
}

/** Every fault, in words for who wrote the options. */
export function faultsOf(error: z.ZodError, schema: z.ZodType): OptionFault[] {
  return error.issues.flatMap((issue) => describeIssue(issue, schema));
}

type Issue = z.core.$ZodIssue;

function describeIssue(issue: Issue, schema: z.ZodType, at: PropertyKey[] = []): OptionFault[] {
  const path = [...at, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown option${hint(key, knownKeys(schema, path))}`,
      unknown: true,
    }));
  }
  if (issue.code === 'invalid_key')
    return [{ path, message: issue.issues[0]?.message ?? issue.message, unknown: true }];
  if (issue.code === 'invalid_union') {
    // `section | false`: the reader meant the section, so its branch tells what is wrong.
    const branch = issue.errors.find((errors) =>
      errors.some((e) => e.path.length > 0 || e.code === 'unrecognized_keys'),
    );
    if (branch !== undefined) return branch.flatMap((inner) => describeIssue(inner, schema, path));
    return [{ path, message: tellingMessage(issue) }];
  }
  return [{ path, message: issue.message.replace(missing, 'is missing: expected a $1') }];
}

/** What zod says of a key that is not there. */
const missing = /^Invalid input: expected (\w+), received undefined$/;

/** Of the messages of a union's branches the one that says most: ours, or a list of what is known. */
function tellingMessage(issue: Issue): string {
  const leaves = leavesOf(issue);
  const telling = leaves.find(({ message }) => !message.startsWith('Invalid '));
  const listing = leaves.find((leaf) => leaf.code === 'invalid_value' && leaf.values.length > 1);
  return (telling ?? listing ?? leaves[0] ?? issue).message;
}

function leavesOf(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const ownMessage = issue.message !== 'Invalid input';
  return ownMessage ? [issue] : issue.errors.flat().flatMap(leavesOf);
}

/** A path as it is written: `retry.backoff.base`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.map(shortened).join('.') || 'the value itself';
}

/** A key that somebody mistyped may be a whole document. */
function shortened(key: PropertyKey): string {
  const text = String(key);
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}

/** The nearest of what is known, or all of it. */
export function hint(key: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  if (key.length > 64) return ` (known: ${known.join(', ')})`;
  const nearest = closest(key, known as string[]);
  const near = distance(key.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, Math.ceil(key.length / 3));
  return near ? `, did you mean "${nearest}"?` : ` (known: ${known.join(', ')})`;
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
}

const jsonSchemas = new WeakMap<z.ZodType, JsonSchema>();

/** As plain data, whatever zod wraps around it. */
function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const known = jsonSchemas.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  jsonSchemas.set(schema, made);
  return made;
}

/** The keys a schema knows at a path. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let here = [jsonSchemaOf(schema)];
  for (const key of path) here = here.flatMap(alternatives).flatMap((each) => within(each, key));
  return here.flatMap(alternatives).flatMap((each) => Object.keys(each.properties ?? {}));
}

function within({ properties, items }: JsonSchema, key: PropertyKey): JsonSchema[] {
  const inner = typeof key === 'number' ? items : properties?.[String(key)];
  return inner === undefined ? [] : [inner];
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(alternatives)];
}
