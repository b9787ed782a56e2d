/** The replies of a mock transport, and how they are played. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { AxiosError, AxiosHeaders } from 'axios';
import { bodyData } from '../../call/answer.js';
import { markUnsent } from '../../call/failure.js';
import type { Request, Response } from '../../call/message.js';
import { abortError } from '../../call/scope.js';
import { type Duration, milliseconds } from '../../options/duration.js';
import type { RecordedRequest } from './recorded.js';

/** An HTTP response. */
export interface HttpReply {
  /** Default: 200. */
  status?: number;
  /** Default: empty. */
  statusText?: string;
  /** Body. An object is sent as JSON; a string, Buffer or stream unchanged. Default: empty. */
  data?: unknown;
  /** Headers, with names in any case. For an object as `data` the default `content-type` is `application/json`. */
  headers?: Record<string, string | string[]>;
  /** Time before the response; an abort ends the delay. In milliseconds or as a string such as `'1.5s'`. Default: none. */
  delay?: Duration;
  /**
   * Bytes of the body before the connection is lost: a stream breaks off there, any other call fails with ECONNRESET.
   */
  resetAfterBytes?: number;
}

/** A network failure by its code, such as `ECONNREFUSED`, `ECONNRESET`, `ENOTFOUND`, `CERT_HAS_EXPIRED`. */
export interface ErrorReply {
  /** Error code, such as `ECONNRESET`, by which policies classify the failure. */
  error: string;
  /** Error message. Default: `mocked CODE`. */
  message?: string;
  /**
   * `true`: provably nothing was sent, as when a TLS handshake fails, so that a POST is retried too. Default: by the
   * code.
   */
  unsent?: boolean;
  /** Time before the failure; an abort ends the delay. In milliseconds or as a string such as `'1.5s'`. Default: none. */
  delay?: Duration;
}

/** No response until the request is aborted. */
export type HangReply = 'hang';

/**
 * A reply to one request: a status, a response, a failure, no response, a held reply, or a function that returns one.
 */
export type Reply =
  | number
  | HttpReply
  | ErrorReply
  | HangReply
  | HeldReply
  | ((request: RecordedRequest) => Reply | Promise<Reply>);

/** A reply that the test gives later, to control races: `const held = holdReply()`, later `held.reply(200)`. */
export class HeldReply {
  /** Resolves when the request has arrived. */
  readonly arrived: Promise<RecordedRequest>;
  /** Sets the reply; the request is answered at once if it has arrived, else when it arrives. */
  readonly reply: (reply: Reply) => void;
  /** @internal */
  readonly answer: Promise<Reply>;
  /** @internal */
  readonly arrive: (request: RecordedRequest) => void;

  /** Use `holdReply()` instead. */
  constructor() {
    let arrive: (request: RecordedRequest) => void = () => {};
    let reply: (reply: Reply) => void = () => {};
    this.arrived = new Promise((resolve) => {
      arrive = resolve;
    });
    this.answer = new Promise((resolve) => {
      reply = resolve;
    });
    this.arrive = arrive;
    this.reply = reply;
  }
}

/** Makes a reply that the test gives later with `reply`. */
export function holdReply(): HeldReply {
  return new HeldReply();
}

/** Plays a reply for a request; rejects at once when its signal aborts. */
export function play(reply: Reply, request: Request, recorded: RecordedRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    const timers = new Set<NodeJS.Timeout>();
    const leave = () => {
      signal?.removeEventListener?.('abort', abort);
      for (const timer of timers) clearTimeout(timer);
    };
    const abort = () => {
      leave();
      if (signal !== undefined) reject(abortError(signal, request));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener?.('abort', abort);
    answer(reply, request, recorded, timers).then(resolve, reject).finally(leave);
  });
}

type Timers = Set<NodeJS.Timeout>;

async function answer(reply: Reply, request: Request, recorded: RecordedRequest, timers: Timers): Promise<Response> {
  if (typeof reply === 'function') return answer(await reply(recorded), request, recorded, timers);
  // By its shape, because the ES module and the CommonJS build each have this class.
  if (typeof reply === 'object' && 'arrive' in reply) {
    reply.arrive(recorded);
    return answer(await reply.answer, request, recorded, timers);
  }
  if (reply === 'hang') return new Promise(() => {});
  if (typeof reply === 'number') return response({ status: reply }, request);
  if (reply.delay !== undefined) await wait(milliseconds(reply.delay), timers);
  if ('error' in reply) throw networkError(reply, request);
  return response(reply, request);
}

function wait(ms: number, timers: Timers): Promise<void> {
  return new Promise((resolve) => {
    timers.add(setTimeout(resolve, ms));
  });
}

function networkError({ error: code, message = `mocked ${code}`, unsent }: ErrorReply, request: Request): AxiosError {
  const error = new AxiosError(message, code, request);
  // ETIMEDOUT is also the code of a read timeout; `syscall: 'connect'` marks it as one of connecting.
  return unsent ? markUnsent(Object.assign(error, { syscall: 'connect' })) : error;
}

async function response(reply: HttpReply, request: Request): Promise<Response> {
  const { status = 200, statusText = '', data = '', headers: given = {} } = reply;
  const raw = isRaw(data);
  const type = raw ? [] : [['content-type', 'application/json']];
  // In lower case, as undici and Node's http return them.
  const own = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]);
  const headers = new AxiosHeaders(Object.fromEntries([...type, ...own]) as Record<string, string>);
  const body = await bodyFor(raw ? data : JSON.stringify(data), reply, request, headers);
  return { status, statusText, headers, data: body, config: request, request: {} };
}

function isRaw(data: unknown): data is string | Buffer | Readable {
  return typeof data === 'string' || Buffer.isBuffer(data) || data instanceof Readable;
}

/** The body in the form that a real adapter returns for this `responseType`. */
async function bodyFor(
  data: string | Buffer | Readable,
  { resetAfterBytes }: HttpReply,
  request: Request,
  headers: AxiosHeaders,
): Promise<unknown> {
  const streams = request.responseType === 'stream';
  if (resetAfterBytes !== undefined) {
    const reset = networkError({ error: 'ECONNRESET' }, request);
    if (!streams) throw reset;
    return Readable.from(brokenOff(await bytesOf(data), resetAfterBytes, reset), { objectMode: false });
  }
  if (streams) return data instanceof Readable ? data : Readable.from([Buffer.from(data as string)]);
  return bodyData(await bytesOf(data), request, headers);
}

async function bytesOf(data: string | Buffer | Readable): Promise<Buffer> {
  return data instanceof Readable ? buffer(data) : Buffer.from(data as string);
}

async function* brokenOff(bytes: Buffer, after: number, reset: Error): AsyncGenerator<Buffer> {
  if (after > 0) yield bytes.subarray(0, after);
  throw reset;
}
