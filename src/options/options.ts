/** Parsing options, and the messages about invalid ones. */
import type { z } from 'zod';
import { ErrorCode, PillionError } from '../call/errors.js';
import { levenshtein } from '../call/on-demand.cjs';
import { dataOf } from '../call/own.js';
import { advice, bare, knownWords } from './advice.js';
import { axiosOptions, otherNames, placeOfCode } from './foreign-names.js';
import { inWords, keysOf, pathsIn, schemasAt } from './schema-in-words.js';

/** Metadata key for the default of an option whose default depends on another option; shown in the JSON Schema. */
export const assumed = 'x-default';

/**
 * A rule between options of one object, checked wherever the options that it `reads` are valid. zod would skip it where
 * anything else in the object is invalid, and its fault would be found only in the next run.
 */
export function rule(reads: readonly string[], path: readonly string[], error: string) {
  return { path: [...path], error, ...whereWell(reads) };
}

/** The same condition for a check that adds its faults itself. */
export function whereWell(reads: readonly string[]) {
  const spoils = ({ code, path }: z.core.$ZodRawIssue) =>
    code !== 'unrecognized_keys' && (path?.[0] === undefined || reads.includes(String(path[0])));
  return {
    when: ({ value, issues }: z.core.ParsePayload) =>
      typeof value === 'object' && value !== null && !issues.some(spoils),
  };
}

type Path = readonly PropertyKey[];

/** One invalid option, and why it is invalid. */
export interface OptionFault {
  readonly path: Path;
  readonly message: string;
  /** True where the key is unknown or not allowed; the value plays no part. */
  readonly unknown?: boolean;
}

/**
 * Parses `input` with `schema`; `what` names the input in the error message.
 * @throws PillionError ERR_CONFIG that lists every fault: the path, the reason and, for an unknown key, the nearest
 * known one.
 */
export function parseOptions<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  what: string,
  at: Path = [],
): z.output<Schema> {
  const result = schema.safeParse(dataOf(input));
  if (result.success) return dataOf(result.data) as z.output<Schema>;
  throw badOptions(
    faultsOf(result.error, schema, (path) => valueAt(input, path)),
    what,
    at,
  );
}

/** The ERR_CONFIG error for these faults; `at` is put before the path of each in `error.faults`. */
export function badOptions(faults: readonly OptionFault[], what: string, at: Path = []): PillionError {
  const message = faults.map(({ path, message }) => `${dotted(path)}: ${message}`).join('; ');
  return new PillionError(ErrorCode.CONFIG, `Bad configuration of ${what}: ${message}.`, undefined, {
    faults: faults.map(({ path, message }) => ({ path: shownPath([...at, ...path]), message })),
  });
}

/** The value at a path of an input. */
export function valueAt(input: unknown, path: Path): unknown {
  let here = input;
  for (const key of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<PropertyKey, unknown>)[key];
  }
  return here;
}

/**
 * Every fault, with a message for the author of the options. `given` returns the value at a path, from which a
 * suggestion is made.
 */
export function faultsOf(
  error: z.ZodError,
  schema: z.ZodType,
  given: (path: Path) => unknown = () => undefined,
): OptionFault[] {
  return error.issues.flatMap((issue) => describeIssue(issue, schema, given));
}

type Issue = z.core.$ZodIssue;

function describeIssue(issue: Issue, schema: z.ZodType, given: (path: Path) => unknown, at: Path = []): OptionFault[] {
  const path = [...at, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown option${codeHint(key, path, schema, given) ?? unknownHint(key, path, schema)}`,
      unknown: true,
    }));
  if (issue.code === 'invalid_key')
    return [{ path, message: issue.issues[0]?.message ?? issue.message, unknown: true }];
  if (issue.code === 'invalid_union') {
    // `section | false`: the author meant the section, so the faults are those of its branch.
    const branch = issue.errors.find((errors) =>
      errors.some((e) => e.path.length > 0 || e.code === 'unrecognized_keys'),
    );
    if (branch !== undefined) return branch.flatMap((inner) => describeIssue(inner, schema, given, path));
  }
  return [{ path, message: explained(issue, schema, path, given(path)) }];
}

/** The message of an issue: the value expected, and a suggestion. */
function explained(issue: Issue, schema: z.ZodType, path: Path, value: unknown): string {
  const schemas = schemasAt(schema, path);
  const message = tellingMessage(issue);
  const ours = !message.startsWith('Invalid ') || schemas.length === 0;
  const absent = value === undefined && message.endsWith('received undefined');
  const expected = ours ? message : `${absent ? 'is missing: ' : ''}expected ${inWords(schemas)}`;
  const meant = issue.code === 'custom' ? undefined : advice(value, schemas);
  const near = meant ?? nearWord(value, schemas);
  return near === undefined ? expected : `${expected}; ${near}`;
}

/** A suggestion for a mistyped word. */
function nearWord(value: unknown, schemas: ReturnType<typeof schemasAt>): string | undefined {
  const words = knownWords(schemas);
  if (typeof value !== 'string' || words.length === 0 || value.length > 64) return undefined;
  const nearest = nearestOf(value, words);
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`;
}

/** The message of a union's branches that says most: one of ours, or a list of the known words. */
function tellingMessage(issue: Issue): string {
  const leaves = leavesOf(issue);
  const telling = leaves.find(({ message }) => !message.startsWith('Invalid '));
  return (telling ?? leaves[0] ?? issue).message;
}

function leavesOf(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const ownMessage = issue.message !== 'Invalid input';
  return ownMessage ? [issue] : issue.errors.flat().flatMap(leavesOf);
}

/** A path with dots: `retry.backoff.base`. */
export function dotted(path: Path): string {
  return shownPath(path) || 'the value itself';
}

/** The same; empty for the whole value. */
export function shownPath(path: Path): string {
  return path.map(shortened).join('.');
}

/** Shortens a key to 64 characters: a mistyped key may be a whole document. */
function shortened(key: PropertyKey): string {
  const text = String(key);
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}

/**
 * The hint for an unknown key: the option that was probably meant, the section where it belongs, or the known options.
 */
function unknownHint(key: string, path: Path, schema: z.ZodType): string {
  const siblings = keysOf(schemasAt(schema, path));
  const same = siblings.find((name) => bare(name) === bare(key));
  if (same !== undefined) return meant(same);
  const section = shownPath(path);
  if (section !== '' && /^(enabled?|disabled?|active)$/i.test(key)) return switchHint(section, schemasAt(schema, path));
  const elsewhere = placeOf(key, path, pathsIn(schema));
  if (elsewhere !== undefined) return elsewhere;
  return isClient(siblings) && axiosOptions.has(key) ? ": it is axios's, set it in deps.axios" : hint(key, siblings);
}

/** The hint for a function or an object with functions, which is code and not configuration. */
function codeHint(key: string, path: Path, schema: z.ZodType, given: (path: Path) => unknown): string | undefined {
  const value = given([...path, key]);
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function' && key !== 'adapter')
    return undefined;
  const section = isClient(keysOf(schemasAt(schema, path))) ? undefined : String(path.at(-1));
  const place = placeOfCode(key, section);
  return place && `: it is code and not configuration, pass it as ${place}`;
}

/** True for the options of a whole client, of which `timeouts` is always one. */
function isClient(options: readonly string[]): boolean {
  return options.includes('timeouts');
}

function switchHint(section: string, schemas: ReturnType<typeof schemasAt>): string {
  const standing = schemas.some((each) => each.const === false);
  return standing ? `: write ${section}: false to switch it off` : `: leave ${section} out to switch it off`;
}

function meant(name: string): string {
  return `, did you mean "${name}"?`;
}

/** Sections that every client has, and whose options are often confused. */
const commonSections = ['timeouts', 'retry', 'circuitBreaker', 'limits'];

/** Where an option belongs that is known by this name, or by one of another tool, but not in this place. */
function placeOf(key: string, path: Path, paths: readonly string[][]): string | undefined {
  const [section] = path;
  const anywhere = section === undefined || commonSections.includes(String(section));
  const named = otherNames(key, path.filter((each) => typeof each === 'string').at(-1))
    // A policy that is used alone takes only its section, so that the path begins below the section's name.
    .flatMap((name) => [name, name.slice(name.indexOf('.') + 1)])
    .map((name) => paths.find((each) => each.join('.') === name))
    .find((each) => each !== undefined && (anywhere || each[0] === section));
  if (named !== undefined) return meant(isBeside(named, path) ? (named.at(-1) ?? '') : named.join('.'));
  const places = paths.filter((each) => bare(each.at(-1) ?? '') === bare(key));
  const above = places.find((each) => each.length <= path.length && startsWith(path, each.slice(0, -1)));
  if (above !== undefined) {
    const holder = String(path[above.length - 1]);
    return ` here: it belongs beside ${holder}, not inside (indented as ${holder} is)`;
  }
  const holders = places.map((each) => each.slice(0, -1).join('.')).filter((each) => each !== '');
  return holders.length === 0 ? undefined : ` here: it belongs under ${holders.slice(0, 3).join(' or ')}`;
}

function isBeside(place: readonly string[], path: Path): boolean {
  return place.length === path.length + 1 && startsWith(place, path);
}

function startsWith(path: Path, beginning: Path): boolean {
  return beginning.every((key, index) => path[index] === key);
}

/** The nearest of the known names, or a list of them all. */
export function hint(key: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = key.length > 64 ? undefined : nearestOf(key, known);
  return nearest === undefined ? ` (known: ${known.join(', ')})` : meant(nearest);
}

function nearestOf(key: string, known: readonly string[]): string | undefined {
  const { closest, distance } = levenshtein();
  const lower = key.toLowerCase();
  const nearest = closest(
    lower,
    known.map((each) => each.toLowerCase()),
  );
  const near = distance(lower, nearest) <= Math.max(2, Math.ceil(key.length / 3));
  return near ? known.find((each) => each.toLowerCase() === nearest) : undefined;
}
