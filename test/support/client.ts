/** A client under watch: real sockets, log lines kept, retries without jitter. */
import { createHttpClient, type HttpClient, type HttpClientConfig, type HttpClientDeps, type Logger } from 'pillion';
import { expect, onTestFinished } from 'vitest';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Watched {
  readonly client: HttpClient;
  /** One for each finished call. */
  readonly lines: readonly LogLine[];
}

/** What a log line has to say of its call, whatever else it says. */
export interface Told {
  readonly method?: string;
  readonly status?: number;
  /** `error.type`: a status >= 400 or a code. */
  readonly type?: unknown;
  readonly attempts: number;
  readonly flags?: readonly string[];
}

export function line(level: LogLine['level'], { method = 'GET', status, type, attempts, flags }: Told): LogLine {
  const fields = {
    client: 'default',
    'http.request.method': method,
    'http.response.status_code': status,
    'error.type': type,
    attempts,
    flags,
    duration_ms: expect.any(Number),
    request_id: expect.any(String),
  };
  return { level, fields: expect.objectContaining(fields) };
}

/** Both lanes of the wire: `family` is an option that only axios's http adapter speaks. */
export const lanes: readonly [string, { family?: 4 }][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { family: 4 }],
];

/** Retries follow at once; the client is closed when the test ends. */
export function watch(config: HttpClientConfig, deps: HttpClientDeps = {}): Watched {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: object) => {
    lines.push({ level, fields: fields as LogLine['fields'] });
  };
  const logger: Logger = { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') };
  const client = createHttpClient(config, { logger, random: () => 0, ...deps });
  onTestFinished(() => client.close({ grace: 0 }));
  return { client, lines };
}

export type Rejected = Error & { readonly [key: string]: unknown; readonly cause?: Rejected };

/** The error a promise rejects with; where it resolves, awaiting this throws. */
export function rejection(promise: Promise<unknown>): Promise<Rejected> {
  const error = promise.then(
    () => {
      throw new Error('It was expected to reject, and it resolved.');
    },
    (reason: Rejected) => reason,
  );
  // Awaited later: until then nobody listens.
  error.catch(() => {});
  return error;
}

/** Resolves once `condition` holds: what happens on the far side of a socket tells nobody here. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(5);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
