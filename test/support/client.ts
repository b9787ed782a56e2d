/** Clients for tests, over a scripted wire or over real sockets; both retry at once, as their jitter is 0. */
import {
  createHttpClient,
  type HttpClient,
  type HttpClientConfig,
  type HttpClientDeps,
  type Logger,
  type Transport,
} from 'pillion';
import { createTestClient, type MockTransport, type Script } from 'pillion/testing';
import { expect, onTestFinished } from 'vitest';

/** Of a client over a scripted wire. */
export const baseURL = 'http://api.test';

const ignore = () => {};

export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export interface Scripted {
  readonly client: HttpClient;
  readonly transport: MockTransport;
}

type Deps = Omit<HttpClientDeps, 'transport'>;

/** The client of the public test kit, which logs nothing and sends nothing. */
export function scripted(script: Script, config: HttpClientConfig = {}, deps: Deps = {}): Scripted {
  const client = createTestClient(script, { baseURL, ...config }, deps);
  return { client, transport: client.transport };
}

/** The same over a transport of the test's own, where a script cannot say what it does. */
export function clientOver(transport: Transport, config: HttpClientConfig = {}, deps: Deps = {}): HttpClient {
  return createHttpClient({ baseURL, ...config }, { logger: silent, random: () => 0, transport, ...deps });
}

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** A logger that keeps its lines. */
export function collecting(): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  return { logger: noting((line) => lines.push(line)), lines };
}

function noting(note: (line: Line) => void): Logger {
  const at = (level: Line['level']) => (fields: object, message: string) =>
    note({ level, fields: fields as Line['fields'], message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

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

/** A client over real sockets, closed when the test ends, with the log lines of its calls. */
export function watch(config: HttpClientConfig, deps: HttpClientDeps = {}): Watched {
  const lines: LogLine[] = [];
  const logger = noting(({ level, fields }) => {
    if (level !== 'debug' && !('event.name' in fields)) lines.push({ level, fields });
  });
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
