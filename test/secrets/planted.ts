/** Secrets to plant in a call, and every way an error may be printed. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import type { AxiosRequestConfig } from 'axios';
import type { HttpClientConfig } from 'pillion';
import { pino } from 'pino';

/** Every secret holds this word; base64 of it shows none, so basic auth is looked for by itself. */
const word = 'planted';
const password = `${word}-password`;
const user = 'ada';

export const secretBody = { card: `${word}-request-body` };
export const secretAnswer = { balance: `${word}-response-body` };
export const secretQuery = `token=${word}-query-value`;

/** A call full of secrets. */
export const secretCall: AxiosRequestConfig = {
  headers: {
    Authorization: `Bearer ${word}-authorization`,
    cookie: `sid=${word}-cookie`,
    'X-Api-Key': `${word}-api-key`,
  },
  params: { token: `${word}-query-value` },
};

/** The same with credentials for basic auth, which take the place of the header. */
export const basicCall: AxiosRequestConfig = { ...secretCall, auth: { username: user, password } };

/** An answer whose headers and body are secret. */
export function secretReply(status: number) {
  return { status, data: secretAnswer, headers: { 'set-cookie': `sid=${word}-set-cookie` } };
}

const basic = Buffer.from(`${user}:${password}`).toString('base64');

/** What of the secrets a text shows; nothing, if all is well. */
export function leaks(text: string, alsoSecret: readonly string[] = []): string[] {
  const found = text.match(/.{0,30}planted.{0,30}/g) ?? [];
  return [...found, ...[basic, ...alsoSecret].filter((secret) => text.includes(secret))];
}

/** A stream that keeps what is written to it. */
export function sink(): { stream: Writable; text(): string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

/** The error as every common means of printing shows it. */
export function printed(error: unknown): Record<string, string> {
  const console = sink();
  new Console(console.stream).error('failed:', error);
  const line = sink();
  const logger = pino({ level: 'debug' }, line.stream);
  logger.error(error, 'error first');
  logger.error({ err: error }, 'as err');
  logger.error({ error }, 'as error');
  return {
    'JSON.stringify': JSON.stringify(error) ?? '',
    'JSON.stringify of an object that holds it': JSON.stringify({ error }),
    'util.inspect': inspect(error, { depth: 10, showHidden: false }),
    'util.inspect of an object that holds it': inspect({ error }, { depth: 10 }),
    'util.format': format('%s %j', error, error),
    String: String(error),
    stack: String((error as Error).stack),
    spread: inspect({ ...(error as object) }, { depth: 10 }),
    ...printedCopy({ ...(error as object) }),
    'console.error': console.text(),
    pino: line.text(),
    ...searched(error),
  };
}

/** A copy of the error, which is no error any more, as the same means show it. */
function printedCopy(copy: object): Record<string, string> {
  const console = sink();
  new Console(console.stream).error('failed:', copy, [copy]);
  const line = sink();
  const logger = pino({ level: 'debug' }, line.stream);
  logger.error(copy, 'copy first');
  logger.error({ err: copy }, 'as err');
  logger.error({ error: copy }, 'as error');
  return {
    'JSON.stringify of a copy': JSON.stringify([copy, { error: copy }]),
    'JSON.stringify of a copy of a copy': JSON.stringify({ ...copy }),
    'inspect of all of a copy': inspect(copy, everything),
    'inspect of all of a copy without custom inspection': inspect([copy], { ...everything, customInspect: false }),
    'inspect of all of a copy with its proxies': inspect(copy, { ...everything, showProxy: true }),
    'format of a copy': format('%s %o %O %j', copy, copy, copy, copy),
    'console.error of a copy': console.text(),
    'pino of a copy': line.text(),
    'walk of a copy': inspect(walked(copy), { depth: 20 }),
    'an error that took the properties': inspect(Object.assign(new Error('mine'), copy, { stack: 'mine' }), everything),
    'structuredClone of a copy': clonedCopy(copy),
  };
}

/** Mostly it cannot be cloned at all: a proxy cannot, nor can the functions in a config of axios. */
function clonedCopy(copy: object): string {
  try {
    return inspect(structuredClone(copy), everything);
  } catch (error) {
    return String(error);
  }
}

const everything = { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true } as const;

/** By those who look harder: hidden properties, getters, symbols, copies, and tools that walk by themselves. */
function searched(error: unknown): Record<string, string> {
  const thrown = error as Error;
  const line = sink();
  const serializers = { err: pino.stdSerializers.errWithCause };
  pino({ serializers }, line.stream).error({ err: error }, 'with causes');
  return {
    'format %o': format('%o', error),
    'format %O and %j': format('%O %j', error, error),
    'inspect of all': inspect(error, everything),
    'inspect of all in an array': inspect([[{ err: error }]], everything),
    'inspect of all without custom inspection': inspect(error, { ...everything, customInspect: false }),
    'own properties by name': inspect(ownOf(error), { depth: 10 }),
    'own properties by JSON': JSON.stringify(error, Object.getOwnPropertyNames(error ?? {})) ?? '',
    'own properties of causes': inspect(walked(error), { depth: 20 }),
    'assigned to a plain object': inspect(Object.assign({}, error), everything),
    structuredClone: cloneable(error) ? inspect(structuredClone(error), everything) : '',
    'pino with causes': line.text(),
    'the error of an error': inspect(holding(error), everything),
    toString: String(thrown?.toString?.()),
  };
}

/** V8 cannot clone an error that is its own cause. */
function cloneable(error: unknown): boolean {
  return error instanceof Error && error.cause !== error;
}

/** Without a stack: the name of this file is the word that is looked for. */
function holding(cause: unknown): Error {
  const [outer, all] = [new Error('outer', { cause }), new AggregateError([])];
  return Object.assign(all, { stack: 'all', errors: [Object.assign(outer, { stack: 'outer' })] });
}

/** As loggers do that know errors have properties that are not enumerable. */
function ownOf(value: unknown): object {
  const descriptors = Object.getOwnPropertyDescriptors(value ?? {});
  return Reflect.ownKeys(descriptors).map((key) => [key, (value as Record<PropertyKey, unknown>)[key]]);
}

/** With everything below, as crash reporters do, which ask a value that is no error for its own `toJSON` first. */
function walked(value: unknown, seen = new Set<unknown>()): unknown {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  seen.add(value);
  const { toJSON } = value as { toJSON?: unknown };
  if (!(value instanceof Error) && typeof toJSON === 'function') return walked(toJSON.call(value), seen);
  return Reflect.ownKeys(value).map((key) => [key, walked((value as Record<PropertyKey, unknown>)[key], seen)]);
}

/** The means of printing that showed a secret, each with the first it showed. */
export function leaksOf(error: unknown, alsoSecret: readonly string[] = []): string[] {
  return Object.entries(printed(error)).flatMap(([means, text]) => {
    const [first] = leaks(text, alsoSecret);
    return first === undefined ? [] : [`${means}: ${first}`];
  });
}

/** One line each, in every profile, of a logger that writes all levels. */
export const profiles = ['otel', 'ecs', 'datadog', 'gcp'] as const;

export function logging(profile: (typeof profiles)[number]): {
  config: HttpClientConfig;
  logger: pino.Logger;
  text(): string;
} {
  const lines = sink();
  return { config: { logging: { profile } }, logger: pino({ level: 'debug' }, lines.stream), text: lines.text };
}
