/** Suggests how to correct a value that an option does not take. */
import { accepts, isDuration, itemsOf, type OptionSchema } from './schema-in-words.js';

type Schemas = readonly OptionSchema[];

/**
 * How to correct a value, in words; undefined where there is no suggestion. It repeats only numbers, durations and
 * words that the option knows, since any other part of the value may be secret.
 */
export function advice(value: unknown, schemas: Schemas): string | undefined {
  const isList = schemas.some(({ type }) => type === 'array');
  if (value === undefined || schemas.length === 0 || (isList && Array.isArray(value))) return undefined;
  if (schemas.some(({ properties }) => properties !== undefined)) return ofSection(value, schemas);
  if (value === null) return 'it has no value here: give it one, or leave it out';
  const meant = candidates(value, schemas).find((each) => each !== value && accepts(schemas, each));
  if (meant !== undefined) return written(meant, value, schemas);
  if (isList && !takesText(schemas)) return ofList(value, schemas);
  if (isLack(value) && schemas.some((each) => each.const === false)) return 'write false for none';
  return otherwise(value, schemas);
}

function written(meant: unknown, value: unknown, schemas: Schemas): string {
  const text = JSON.stringify(meant);
  if (isDuration(schemas) && typeof meant === 'number' && meant < 1000) return `write "${text}ms" or "${text}s"`;
  if (knownWords(schemas).includes(meant as string)) return `did you mean ${text}?`;
  if (typeof value === 'string' && typeof meant !== 'string' && value.trim() === text)
    return `write ${text} without quotes`;
  return `write ${text}`;
}

function otherwise(value: unknown, schemas: Schemas): string | undefined {
  if (Array.isArray(value))
    return isRecord(schemas) ? 'write names and values, without dashes' : 'it takes one value, not a list';
  if (value === false && takesText(schemas)) return 'put it in quotes, or leave it out';
  if (takesText(schemas) && schemas.some((each) => each.const === false)) return undefined;
  if (takesText(schemas) && (typeof value === 'number' || value === true)) return 'put it in quotes';
  if (value === true && !schemas.some(({ type, const: only }) => type === 'boolean' && only === undefined))
    return 'leave it out for its default';
  if (typeof value === 'string' && isRecord(schemas)) return colonAdvice(value);
  return undefined;
}

/** True for an option that takes any text, not only one of several words. */
function takesText(schemas: Schemas): boolean {
  return !isDuration(schemas) && schemas.some(({ type, ...rest }) => type === 'string' && isOpen(rest));
}

function isOpen({ enum: words, const: only }: OptionSchema): boolean {
  return words === undefined && only === undefined;
}

function isRecord(schemas: Schemas): boolean {
  return schemas.some(({ type }) => type === 'object');
}

/** YAML reads `key:value` as one word. */
function colonAdvice(value: string): string | undefined {
  return /^[\w-]+:\S/.test(value) ? 'a colon needs a space after it' : undefined;
}

/**
 * The advice for a section. Such a section is either on with its defaults when it is left out, or off until it is
 * configured.
 */
function ofSection(value: unknown, schemas: Schemas): string | undefined {
  const standing = schemas.some((each) => each.const === false);
  const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (value === null) return 'it is empty: indent its options under it, or leave it out';
  if (yes.has(word)) return standing ? 'it is on with its defaults: leave it out, or give options' : bySetting(schemas);
  if (no.has(word) && standing)
    return typeof value === 'string' && word === 'false' ? 'write false without quotes' : 'write false';
  if (no.has(word)) return 'leave it out, and it is off';
  if (typeof value === 'string' && colonAdvice(value) !== undefined) return colonAdvice(value);
  const inner = optionFor(value, schemas);
  if (inner !== undefined) return `did you mean its option ${inner}?`;
  return Array.isArray(value) ? 'write its options without dashes' : undefined;
}

/** How to switch on a section that is off until it is configured. */
function bySetting(schemas: Schemas): string {
  const needed = schemas.flatMap(({ required = [] }) => required);
  if (needed.length > 0) return `give its options, at least ${needed.join(' and ')}`;
  const options = schemas.flatMap(({ properties = {} }) => Object.values(properties));
  return options.some((each) => each.default !== undefined) ? 'write {} for its defaults' : 'give its options';
}

/** The first option of a section that takes the value, or one that is written like it. */
function optionFor(value: unknown, schemas: Schemas): string | undefined {
  const open = ({ type, pattern }: OptionSchema) => type === 'string' && pattern === undefined;
  for (const { properties = {} } of schemas)
    for (const [name, schema] of Object.entries(properties)) {
      const inner = [schema, ...(schema.anyOf ?? []).flatMap((each) => [each, ...(each.anyOf ?? [])])];
      const closed = inner.filter((each) => each.anyOf === undefined && !(open(each) && each.enum === undefined));
      if (accepts(closed, value) || candidates(value, closed).some((each) => accepts(closed, each))) return name;
      if (Array.isArray(value) && value.length > 0 && closed.some(({ items }) => items?.type === 'object')) return name;
    }
  return undefined;
}

function ofList(value: unknown, schemas: Schemas): string {
  const items = itemsOf(schemas);
  if (typeof value === 'object' || items.some(({ properties }) => properties !== undefined))
    return 'begin each entry with a dash, followed by its options';
  const closed = items.filter(isClosed);
  const several = typeof value === 'string' ? value.split(/[\s,]+/).filter((each) => each !== '') : [];
  if (several.length > 1 && several.every((each) => accepts(closed, each))) return `write [${several.join(', ')}]`;
  const one = [value, ...candidates(value, items)].find((each) => accepts(closed, each));
  return one === undefined
    ? 'put it in brackets: [ ]'
    : `write [${typeof one === 'string' ? one : JSON.stringify(one)}]`;
}

/** True for an option that takes only numbers or words of ours, which are no secrets. */
function isClosed({ type, enum: words }: OptionSchema): boolean {
  return type !== 'string' || words !== undefined;
}

const yes = new Set<unknown>([true, 'true', 'yes', 'on', 'y', 'enabled', 'default', 'defaults']);
const no = new Set<unknown>([false, 'false', 'no', 'off', 'n', 'disabled', 'none', 'never']);

function isLack(value: unknown): boolean {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
  return (
    no.has(word) || [0, -1, '0', '-1', '0s', '0ms', 'infinity', 'infinite', 'unlimited', ''].includes(word as never)
  );
}

/** Other ways to write the value, the likeliest first. */
function candidates(value: unknown, schemas: Schemas): unknown[] {
  if (Array.isArray(value))
    return value.length === 1 ? [value[0], ...candidates(value[0], schemas)].filter(isPlainWord) : [];
  if (typeof value === 'number') return [...ofNumber(value, schemas), ...wordsLike(String(value), schemas)];
  if (value === true) return schemas.map((each) => each.const).filter((each) => typeof each === 'string');
  if (typeof value !== 'string') return [];
  const text = value.trim();
  const word = text.toLowerCase();
  const truth = yes.has(word) || word === '1' ? [true] : no.has(word) || word === '0' ? [false] : [];
  const span = isDuration(schemas) ? durationLike(text) : undefined;
  const numbers = isDuration(schemas) ? [] : numbersIn(text, schemas);
  return [...numbers, ...truth, ...(span === undefined ? [] : [span]), ...wordsLike(text, schemas)];
}

/** True for a value that can be no secret; only such an item of a list is repeated. */
function isPlainWord(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

function ofNumber(value: number, schemas: Schemas): unknown[] {
  if (schemas.some(({ type, const: only }) => type === 'boolean' && only === undefined) && (value === 0 || value === 1))
    return [value === 1];
  const upTo = (most: number) =>
    schemas.some(({ type, maximum = 0 }) => type === 'number' && Math.ceil(maximum) === most);
  // A percentage where a share is wanted, or a share where a percentage is wanted.
  if (value > 1 && value <= 100 && Number.isInteger(value) && upTo(1)) return [value / 100];
  return value > 0 && value < 1 && upTo(100) ? [value * 100] : [];
}

const bytes: Readonly<Record<string, number>> = {
  ...{ b: 1, k: 1024, kb: 1024, kib: 1024, m: 1024 ** 2, mb: 1024 ** 2, mib: 1024 ** 2 },
  ...{ g: 1024 ** 3, gb: 1024 ** 3, gib: 1024 ** 3 },
};

/** The numbers that a text means with a sign or a unit that the option does not take. */
function numbersIn(text: string, schemas: Schemas): number[] {
  const [, digits, unit = ''] = /^\+?(-?\d[\d_,']*(?:\.\d+)?)\s*([^\d]*)$/.exec(text) ?? [];
  if (digits === undefined) return [];
  const amount = Number(digits.replace(/[_,']/g, ''));
  if (unit.trim() === '%') return schemas.map(({ maximum = 0 }) => ofPercent(amount, maximum));
  const size = bytes[unit.trim().toLowerCase()];
  return size === undefined || !schemas.some(({ maximum }) => maximum === Number.MAX_SAFE_INTEGER)
    ? [amount]
    : [amount * size, amount];
}

function ofPercent(amount: number, maximum: number): number {
  if (maximum > 10) return Math.ceil(maximum) === 100 ? amount : Number.NaN;
  return amount / 100;
}

const spans: readonly (readonly [RegExp, number, string])[] = [
  [/^(ms|msecs?|millis?|milliseconds?)$/, 1, 'ms'],
  [/^(s|secs?|seconds?)$/, 1, 's'],
  [/^(m|mins?|minutes?)$/, 1, 'm'],
  [/^(h|hrs?|hours?)$/, 1, 'h'],
  [/^(d|days?)$/, 24, 'h'],
  [/^(us|µs|micros?|microseconds?)$/, 1 / 1000, 'ms'],
];
const inMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration as other tools write it: `5 s`, `5sec`, `1h30m`, `PT5S`, `"5000"`. */
function durationLike(text: string): unknown {
  const plain = text
    .toLowerCase()
    .replace(/^p(?:t|(?=\d+d))/, '')
    .replace(/(?<=\d)[,_](?=\d{3})/g, '')
    .replace(/(?<=\d),(?=\d{1,2}\D)/g, '.');
  if (/^\d+(\.\d+)?$/.test(plain)) return Number(plain);
  const parts = [...plain.matchAll(/(\d+(?:\.\d+)?)\s*([a-zµ]+)/g)].map(([, amount, unit]) =>
    partOf(Number(amount), unit ?? ''),
  );
  const rest = plain.replace(/(\d+(?:\.\d+)?)\s*([a-zµ]+)/g, '').replace(/[\s,]|\band\b/g, '');
  if (rest !== '' || parts.length === 0 || parts.some((each) => each === undefined)) return undefined;
  const known = parts as [number, string][];
  const [first] = known;
  if (known.length === 1 && first !== undefined) return `${first[0]}${first[1]}`;
  const ms = known.reduce((sum, [amount, unit]) => sum + amount * (inMs[unit] ?? 0), 0);
  return ms % 60_000 === 0 ? `${ms / 60_000}m` : ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

function partOf(amount: number, unit: string): [number, string] | undefined {
  const found = spans.find(([words]) => words.test(unit));
  return found === undefined ? undefined : [amount * found[1], found[2]];
}

/** A word's letters and digits in lower case, so that spellings can be compared. */
export function bare(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Words of other tools, and our words for them. */
const otherWords: Readonly<Record<string, string>> = {
  ...{ connecterror: 'connect-failure', connectionfailure: 'connect-failure', econnrefused: 'connect-failure' },
  ...{
    econnreset: 'reset',
    timeout: 'reset',
    networkerror: 'reset',
    connectionreset: 'reset',
    resetbeforerequest: 'reset',
  },
  ...{ envoyratelimited: 'rate-limited', ratelimit: 'rate-limited', retryafter: 'rate-limited' },
  ...{
    roundrobin: 'round-robin',
    leastrequest: 'least-pending',
    leastconn: 'least-pending',
    leastconnections: 'least-pending',
  },
  ...{ ringhash: 'hash', maglev: 'hash', iphash: 'hash', consistenthash: 'hash' },
  ...{ opentelemetry: 'otel', elastic: 'ecs', dd: 'datadog', google: 'gcp', stackdriver: 'gcp', environment: 'env' },
};

/**
 * Words of the option that differ from the text only in case and in signs between letters, that end in the number
 * given, or that other tools call so.
 */
function wordsLike(text: string, schemas: Schemas): unknown[] {
  const words = knownWords(schemas);
  const asked = bare(text);
  if (asked === '') return [];
  const same = words.filter((word) => bare(word) === asked || bare(word).replace(/v/, '') === asked.replace(/v/, ''));
  const numbered = /^\d+$/.test(asked) ? words.filter((word) => bare(word).endsWith(`v${asked}`)) : [];
  const other = words.filter((word) => word === otherWords[asked]);
  return [...same, ...numbered, ...other];
}

/** The words that an option takes. */
export function knownWords(schemas: Schemas): string[] {
  return schemas.flatMap((each) => [each.const, ...(each.enum ?? [])]).filter((each) => typeof each === 'string');
}
