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
    'console.error': console.text(),
    pino: line.text(),
  };
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
