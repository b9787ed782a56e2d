/**
 * The short path from the instance to its adapter for calls without unusual options: it does the same as axios at a
 * fifth of the cost (3 us, not 15). Every other call goes through axios itself.
 */
import { type AxiosAdapter, AxiosError, AxiosHeaders, type AxiosResponse, CanceledError, isCancel } from 'axios';
import { responseOf } from '../../call/body.js';
import { conceal, isError } from '../../call/conceal.js';
import { asAxiosError, takePresented, takeTraceless } from '../../call/errors.js';
import { nameIn } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { forms } from '../../call/object-form.js';
import { standardRequest, standardResponse } from './usual-config.js';

/** Sends a call for which `frontConfig` returned a config. */
export async function front(config: Request): Promise<AxiosResponse> {
  let startedAt = -1;
  let response: AxiosResponse | undefined;
  try {
    config.data = encoded(config);
    startedAt = performance.now();
    response = await (config.adapter as AxiosAdapter)(config);
    throwIfCancelled(config);
    return received(response, config, startedAt);
  } catch (thrown) {
    // Without a response the data could not be sent; with one, its body could not be parsed.
    const code = response === undefined ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
    const error = asAxiosError(thrown, code, config, response);
    throw withCallerStack(response === undefined ? failed(error, config, startedAt) : conceal(error));
  }
}

/** Prepares a failure of the adapter; its response, if there is one, is parsed like that of a success. */
function failed(error: unknown, config: Request, startedAt: number): unknown {
  const response = responseOf(error);
  const fit = takePresented(error) ? error : conceal(error);
  if (startedAt < 0 || isCancel(error)) return fit;
  try {
    throwIfCancelled(config);
    if (response !== undefined) received(response, config, startedAt);
    return fit;
  } catch (unreadable) {
    return conceal(asAxiosError(unreadable, AxiosError.ERR_BAD_RESPONSE, config, response));
  }
}

/** Checks for cancellation after the adapter, as axios does; before the adapter the stack itself checks. */
function throwIfCancelled(config: Request): void {
  const { signal, cancelToken } = config;
  cancelToken?.throwIfRequested();
  if (signal?.aborted) throw new CanceledError(undefined, config);
}

type Transform = (this: unknown, data: unknown, headers: unknown, status?: number) => unknown;

/** Encodes the body as axios's own `transformRequest` does, and sets the content type. */
function encoded(config: Request): unknown {
  const data: unknown = config.data;
  const headers = config.headers as AxiosHeaders;
  const name = nameIn(headers, 'Content-Type');
  const type: unknown = name === undefined ? undefined : headers[name];
  const json = type === undefined || (typeof type === 'string' && type.includes('application/json'));
  if (data === undefined) {
    if (type === undefined) nothingSent(config, name);
    return data;
  }
  if (json && isPlain(data)) {
    if (type === undefined) headers[name ?? 'Content-Type'] = 'application/json';
    return JSON.stringify(data);
  }
  const body = (standardRequest as Transform).call(context, data, headers);
  if (nameless(headers)) nothingSent(config, nameIn(headers, 'Content-Type'));
  return body;
}

/** The config that `transformRequest` sees: calls with a `formSerializer` or another `env` do not take this path. */
const context = { env: forms };

function nameless(headers: AxiosHeaders): boolean {
  const name = nameIn(headers, 'Content-Type');
  return name === undefined || headers[name] === undefined;
}

/** axios's content type for a body without a known type, or for no body. */
function nothingSent({ method, headers }: Request, name: string | undefined): void {
  if (method === 'post' || method === 'put' || method === 'patch')
    headers[name ?? 'Content-Type'] = 'application/x-www-form-urlencoded';
}

function isPlain(data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false;
  const prototype: unknown = Object.getPrototypeOf(data);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

/** Completes a response as axios does: sets its duration, and parses its body as `transformResponse` would. */
function received(response: AxiosResponse, config: Request, startedAt: number): AxiosResponse {
  response.duration = Math.max(0, Math.round(performance.now() - startedAt));
  const { data } = response;
  if (typeof data === 'string' && data !== '' && (!config.responseType || config.responseType === 'json'))
    response.data = parsed(data, response, config);
  if (!(response.headers instanceof AxiosHeaders)) response.headers = AxiosHeaders.from(response.headers as never);
  return response;
}

function parsed(data: string, response: AxiosResponse, config: Request): unknown {
  try {
    return JSON.parse(data, config.parseReviver);
  } catch {
    // axios's own transform decides whether malformed JSON throws, which depends on `transitional`.
    const context = Object.assign({}, config, { response });
    return (standardResponse as Transform).call(context, data, response.headers, response.status);
  }
}

/** Adds the caller's stack to an error that arose in a callback of Node's, as axios does. */
function withCallerStack(error: unknown): unknown {
  if (!isError(error)) return error;
  if (takeTraceless(error)) {
    // Cheap: V8 formats the stack only when it is read.
    Error.captureStackTrace(error, withCallerStack);
    return error;
  }
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, withCallerStack);
  const frames = here.stack?.slice(here.stack.indexOf('\n') + 1) ?? '';
  if (typeof error.stack === 'string' && !error.stack.includes(lastOf(frames)))
    error.stack = `${error.stack}\n${frames}`;
  return error;
}

function lastOf(frames: string): string {
  return frames.slice(frames.lastIndexOf('\n') + 1);
}
