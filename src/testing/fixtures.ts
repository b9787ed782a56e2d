/** Fixtures: what a real upstream answered, kept in a file and replayed. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type AxiosAdapter, AxiosHeaders } from 'axios';
import { responseOf } from '../body.js';
import { ErrorCode, PillionError } from '../errors.js';
import type { Request, Response } from '../policy.js';
import { createUndiciAdapter } from '../transport/adapter.js';
import { bodyIn, bodyOut, keptHeaders } from './exchange.js';
import { Mask, type MaskOptions } from './masking.js';
import { type RecordedRequest, recordRequest } from './recorded.js';
import { play } from './replies.js';

/** A request and what became of it, as it stands in the file: secrets masked. */
export interface Exchange {
  /** Path and query, headers in lower case, a body as JSON or text. */
  request: { method: string; path: string; headers: Record<string, string>; body?: unknown };
  /** A body that is neither JSON nor text is `{ base64 }`. */
  response?: { status: number; headers: Record<string, string | string[]>; body?: unknown };
  /** The code of a network failure. */
  error?: string;
}

/** How a fixture is recorded and matched. */
export interface FixtureOptions {
  /**
   * `record` asks the upstream and writes the file anew, `replay` answers from the file and sends nothing; `auto`, the
   * default, records where there is no file yet and replays otherwise, and always replays where `CI` is set.
   */
  mode?: 'auto' | 'record' | 'replay';
  /** Asked while recording; the real wire by default. */
  upstream?: AxiosAdapter;
  /** Names of request headers that have to be the same too; none by default. */
  matchHeaders?: readonly string[];
  /** What is masked beyond what always is. */
  mask?: MaskOptions;
}

/** An `AxiosAdapter` for `deps.transport`. */
export interface FixtureTransport extends AxiosAdapter {
  /** What `auto` came to. */
  readonly mode: 'record' | 'replay';
  /** What reached the wire, one frozen snapshot an attempt, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Throws where recorded answers were never asked for. */
  assertDone(): void;
}

/**
 * Makes a wire that records into a file or replays it. A request is known by method, path, query and body, whatever its host;
 * the same request several times gets its answers in the order they were recorded. What is masked in the file, credentials in
 * headers, query parameters and fields whose names say so, is masked in a request before it is compared. Bodies are read whole;
 * in texts that are neither JSON nor a form nothing is masked but by `mask.text`.
 * @throws PillionError `ERR_CONFIG` for a file that cannot be read
 */
export function createFixtureTransport(file: string, options: FixtureOptions = {}): FixtureTransport {
  const { mode = 'auto', upstream = createUndiciAdapter(), matchHeaders = [] } = options;
  const mask = new Mask(options.mask);
  const recording = mode === 'record' || (mode === 'auto' && !existsSync(file) && !process.env.CI);
  const exchanges = recording ? [] : read(file);
  const left = new Set(exchanges);
  const requests: RecordedRequest[] = [];

  const record = async (config: Request, asked: Exchange['request']): Promise<Response> => {
    const exchange: Exchange = { request: asked };
    exchanges.push(exchange);
    try {
      const response = await answerOf(upstream({ ...config, responseType: 'arraybuffer', validateStatus: null }));
      exchange.response = kept(response, mask);
      return { ...response, data: bodyOut(response.data as Buffer, config.responseType), config };
    } catch (error) {
      exchange.error = (error as { code?: string }).code ?? 'ECONNRESET';
      throw error;
    } finally {
      write(file, exchanges);
    }
  };
  const adapter: AxiosAdapter = async (config) => {
    const request = recordRequest(config);
    requests.push(request);
    const asked = maskedRequest(request, mask);
    if (recording) return record(config, asked);
    const found = [...left].find((each) => isSame(each.request, asked, matchHeaders));
    if (found === undefined) throw new Error(unknown(asked, exchanges, left, file));
    left.delete(found);
    return play(replyOf(found), config, request);
  };
  const assertDone = () => {
    const unasked = recording ? [] : [...left].map(({ request }) => `${request.method} ${request.path}`);
    if (unasked.length > 0) throw new Error(`${file} has answers that were never asked for: ${unasked.join(', ')}.`);
  };
  return Object.assign(adapter, { mode: recording ? ('record' as const) : ('replay' as const), requests, assertDone });
}

/** Some adapters reject by status, whatever they are told. */
async function answerOf(answer: Promise<Response>): Promise<Response> {
  try {
    return await answer;
  } catch (error) {
    const response = responseOf(error);
    if (response === undefined) throw error;
    return response;
  }
}

function maskedRequest(request: RecordedRequest, mask: Mask): Exchange['request'] {
  const { method, url, headers, body } = request;
  const shown = mask.body(bodyIn(body), headers['content-type'] ?? '');
  // Undefined, dates and the like as the file will have them.
  const plain = shown === undefined ? undefined : (JSON.parse(JSON.stringify(shown)) as unknown);
  return { method, path: mask.path(url), headers: mask.headers(headers), ...(plain !== undefined && { body: plain }) };
}

function kept(response: Response, mask: Mask): NonNullable<Exchange['response']> {
  const headers = keptHeaders(AxiosHeaders.from(response.headers as never), mask);
  const type = String(headers['content-type'] ?? '');
  const body = mask.body(bodyIn(response.data, type), type);
  return { status: response.status, headers, ...(body !== undefined && { body }) };
}

function replyOf({ response, error }: Exchange): Parameters<typeof play>[0] {
  if (response === undefined) return { error: error ?? 'ECONNRESET' };
  const { status, headers, body = '' } = response;
  const { base64 } = (typeof body === 'object' && body !== null ? body : {}) as { base64?: string };
  return { status, headers, data: base64 === undefined ? body : Buffer.from(base64, 'base64') };
}

function isSame(known: Exchange['request'], asked: Exchange['request'], matchHeaders: readonly string[]): boolean {
  return (
    known.method === asked.method &&
    known.path === asked.path &&
    isDeepStrictEqual(known.body, asked.body) &&
    matchHeaders.every((name) => known.headers[name.toLowerCase()] === asked.headers[name.toLowerCase()])
  );
}

function unknown(
  asked: Exchange['request'],
  all: readonly Exchange[],
  left: ReadonlySet<Exchange>,
  file: string,
): string {
  const text = ({ method, path, body }: Exchange['request']) =>
    `${method} ${path} ${body === undefined ? '' : JSON.stringify(body)}`.trim();
  const list = all.map((each) => `  ${text(each.request)}${left.has(each) ? '' : ' (used up)'}`);
  return `${file} has no answer for ${text(asked)}. It has:\n${list.join('\n')}\nRecord it anew with mode: 'record'.`;
}

function read(file: string): Exchange[] {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { exchanges: Exchange[] }).exchanges;
  } catch (cause) {
    const message = `The fixture ${file} cannot be read (${(cause as Error).message}); record it with mode: 'record'.`;
    throw new PillionError(ErrorCode.CONFIG, message);
  }
}

/** Whole or not at all. */
function write(file: string, exchanges: readonly Exchange[]): void {
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.tmp`;
  const over = exchanges.filter(({ response, error }) => response !== undefined || error !== undefined);
  writeFileSync(partial, `${JSON.stringify({ exchanges: over }, null, 2)}\n`);
  renameSync(partial, file);
}
