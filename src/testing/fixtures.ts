/** Fixtures: what a real upstream answered, kept in a file and replayed. */
import { existsSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type AxiosAdapter, AxiosHeaders } from 'axios';
import { isStream, responseOf } from '../body.js';
import { ErrorCode, markOfTest, PillionError } from '../errors.js';
import type { Request, Response } from '../policy.js';
import { isUnsent } from '../request.js';
import { createUndiciAdapter, type UndiciAdapter } from '../transport/adapter.js';
import { bodyOf, bytesOf, bytesOfBody, requestBody, tapped, tooLong } from './fixture-body.js';
import { type Exchange, readExchanges, writeExchanges } from './fixture-file.js';
import { keptHeaders } from './fixture-headers.js';
import { type MatchOptions, Recorded } from './fixture-match.js';
import { Mask, type MaskOptions } from './masking.js';
import { type RecordedRequest, recordRequest } from './recorded.js';
import { play, type Reply } from './replies.js';

/** How a fixture is recorded and matched. */
export interface FixtureOptions extends MatchOptions {
  /**
   * `record` asks the upstream and writes the file anew, `replay` answers from the file and sends nothing; `auto`, the
   * default, records where there is no file yet and replays otherwise, and always replays where `CI` is set.
   */
  mode?: 'auto' | 'record' | 'replay';
  /** Asked while recording; the real wire by default. */
  upstream?: AxiosAdapter;
  /** What is masked beyond what always is. */
  mask?: MaskOptions;
  /** Bytes of an answer that are recorded at most; a longer one fails the call. 1 MiB by default. */
  maxBodyBytes?: number;
}

/** An `AxiosAdapter` for `deps.transport`. */
export interface FixtureTransport extends AxiosAdapter, AsyncDisposable {
  /** What `auto` came to. */
  readonly mode: 'record' | 'replay';
  /** What reached the wire, one frozen snapshot an attempt, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Throws where recorded answers were never asked for, or a request was asked that nothing answers. */
  assertDone(): void;
  /** Closes the connections of its own wire; one that was given is not touched. */
  close(): Promise<void>;
}

/**
 * Makes a wire that records into a file or replays it. A request is known by method, path, query and body, and by its host
 * where the file knows that; several like it get their answers in the order they were recorded. What is masked in the file is
 * masked in a request before it is compared. Answers are read whole before they are recorded, streams once they are over; a
 * request body that is a stream or a Blob is neither recorded nor compared. The file is written anew after each exchange.
 * @throws PillionError `ERR_CONFIG` for a file that cannot be read
 */
export function createFixtureTransport(file: string | URL, options: FixtureOptions = {}): FixtureTransport {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  const mode = modeOf(options.mode, path);
  const requests: RecordedRequest[] = [];
  const { answer, assertDone, close } = mode === 'record' ? recorder(path, options) : player(path, options);
  const adapter: AxiosAdapter = async (config) => {
    const request = recordRequest(config);
    requests.push(request);
    return answer(config, request);
  };
  return Object.assign(adapter, { mode, requests, assertDone, close, [Symbol.asyncDispose]: close });
}

function modeOf(mode: FixtureOptions['mode'] = 'auto', path: string): 'record' | 'replay' {
  if (mode === 'record' || mode === 'replay') return mode;
  if (mode === 'auto') return existsSync(path) || process.env.CI ? 'replay' : 'record';
  const message = `Bad option mode of the fixture ${path}: expected 'auto', 'record' or 'replay'.`;
  throw new PillionError(ErrorCode.CONFIG, message);
}

/** One of the two sides of a fixture. */
interface Side {
  answer(config: Request, request: RecordedRequest): Promise<Response>;
  assertDone(): void;
  close(): Promise<void>;
}

function player(path: string, options: FixtureOptions): Side {
  const mask = new Mask(options.mask);
  const recorded = new Recorded(readExchanges(path), options);
  const misses: string[] = [];
  return {
    answer: async (config, request) => {
      const asked = askedOf(config, request, mask);
      const found = recorded.take(asked);
      if (found !== undefined) return play(replyOf(found), config, request);
      misses.push(mask.scrub(recorded.explain(asked, path)));
      // A plain error: no policy repeats it, and no catch block takes it for an answer.
      throw markOfTest(new Error(misses.at(-1)));
    },
    assertDone: () => {
      if (misses.length > 0) throw new Error(misses.join('\n\n'));
      const { left } = recorded;
      if (left.length > 0) throw new Error(`${path} has answers that were never asked for: ${left.join(', ')}.`);
    },
    close: async () => {},
  };
}

function recorder(path: string, options: FixtureOptions): Side {
  const { maxBodyBytes = 1024 * 1024 } = options;
  const mask = new Mask(options.mask);
  const exchanges: Exchange[] = [];
  let own: UndiciAdapter | undefined;
  const upstream = (): AxiosAdapter => {
    if (options.upstream !== undefined) return options.upstream;
    own ??= createUndiciAdapter();
    return own;
  };
  /** Masked by what is known now: a secret that was met under a name is found in what came before, too. */
  const write = () => writeExchanges(path, mask.scrub(exchanges));
  const keep = (exchange: Exchange, response: Response, bytes: Buffer): void => {
    const { status, statusText } = response;
    const headers = keptHeaders(
      AxiosHeaders.from(response.headers as never).toJSON() as Record<string, string | string[]>,
    );
    exchange.response = {
      status,
      ...(statusText && statusText !== STATUS_CODES[status] && { statusText }),
      headers: mask.headers<string | string[]>(headers),
      ...bodyOf(bytes, String(headers['content-type'] ?? ''), mask),
    };
    write();
  };
  return {
    answer: async (config, request) => {
      const exchange: Exchange = { request: askedOf(config, request, mask) };
      exchanges.push(exchange);
      const streams = config.responseType === 'stream';
      const asked = { ...config, responseType: streams ? 'stream' : 'arraybuffer', validateStatus: null } as Request;
      const response = await outcomeOf(upstream()(asked)).catch((error) => {
        Object.assign(exchange, failureOf(error, config, mask));
        write();
        throw error;
      });
      if (streams && isStream(response.data)) {
        const over = (bytes: Buffer, error?: Error) => {
          if (error !== undefined) Object.assign(exchange, failureOf(error, config, mask));
          keep(exchange, response, bytes);
        };
        return { ...response, data: tapped(response.data, maxBodyBytes, over), config };
      }
      const bytes = bytesOf(response.data);
      if (bytes.length > maxBodyBytes) throw tooLong(maxBodyBytes);
      keep(exchange, response, bytes);
      const { status, statusText } = response;
      const headers = Object.fromEntries(Object.entries(response.headers));
      return {
        ...(await play({ status, statusText, headers, data: bytes }, config, request)),
        request: response.request,
      };
    },
    assertDone: () => {},
    close: async () => {
      const closing = own;
      own = undefined;
      await closing?.close();
    },
  };
}

/** Some adapters reject by status, whatever they are told. */
async function outcomeOf(answer: Promise<Response>): Promise<Response> {
  try {
    return await answer;
  } catch (error) {
    const response = responseOf(error);
    if (response === undefined || response.status < 400) throw error;
    return response;
  }
}

function askedOf(config: Request, { method, url, headers }: RecordedRequest, mask: Mask): Exchange['request'] {
  const body = requestBody(config.data, headers['content-type'] ?? '', mask);
  return { method, url: mask.url(url), headers: mask.headers(keptHeaders(headers)), ...body };
}

/** What was given up had no answer; what ended by its own clock shall end so at once when it is replayed. */
function failureOf(error: unknown, { signal }: Request, mask: Mask): Partial<Exchange> {
  const { code = 'ECONNRESET', message } = error as { code?: string; message: string };
  if (code === 'ERR_CANCELED' || (signal?.aborted && !code.startsWith('ERR_'))) return { hang: true };
  return { error: { code, message: mask.text(message), ...(isUnsent(error) && { unsent: true as const }) } };
}

function replyOf({ response, error, hang }: Exchange): Reply {
  if (hang) return 'hang';
  if (response === undefined) {
    const { code, message, unsent = false } = error ?? { code: 'ECONNRESET', message: 'socket hang up' };
    return { error: code, message, unsent };
  }
  const { status, statusText = STATUS_CODES[status] ?? '', headers } = response;
  const data = bytesOfBody(response);
  return { status, statusText, headers, data, ...(error && { resetAfterBytes: data.length }) };
}
