/** A WHATWG `fetch` over the stack, for SDKs and other code that accept one. */
import { type AxiosAdapter, AxiosHeaders, type AxiosRequestConfig } from 'axios';
import { discardUpload, responseOf } from '../../call/body.js';
import type { Request } from '../../call/message.js';
import { Own, ownOf } from '../../call/own.js';
import { markOwnHeaders } from '../../call/record.js';
import { verdictOn } from '../../policies/retries/retry-functions.js';
import type { Config } from '../config/config.js';
import { type Asked, type FetchInput, fetchError, readRequest } from './fetch-request.js';
import { responseFrom } from './fetch-response.js';

/** Options of a single `fetch` call besides the standard ones; they mean the same as on an axios call. */
export type CallOptions = Pick<
  AxiosRequestConfig,
  'idempotencyKey' | 'retry' | 'routeName' | 'timeout' | 'timeouts' | 'hashKey' | 'allowAbsoluteUrls'
>;

/** The second argument of `client.fetch`: the standard options and those of this library. */
export interface HttpFetchInit extends globalThis.RequestInit, CallOptions {}

/** The type of `client.fetch`, assignable to `typeof globalThis.fetch`. */
export type HttpFetch = (input: FetchInput, init?: HttpFetchInit) => Promise<globalThis.Response>;

/** The limit of the fetch standard, as in browsers and Node's own fetch. */
const maxRedirects = 20;

/** Makes the `fetch` of a client; `send` is its stack, and `config` returns the configuration in force. */
export function createFetch(send: AxiosAdapter, config: () => Config): HttpFetch {
  const sent = async (asked: Asked, init: HttpFetchInit) => {
    const { signal } = asked;
    if (signal?.aborted) throw signal.reason;
    let redirected = false;
    const beforeRedirect = () => {
      redirected = true;
    };
    try {
      const response = await send(Object.assign(requestFrom(asked, init, config()), { beforeRedirect }));
      return responseFrom(response, { ...asked, redirected });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      // `validateResponse` of `deps.retry` refused it: in fetch an answer resolves nevertheless.
      const refused = responseOf(error);
      if (refused !== undefined && verdictOn(refused) === false) return responseFrom(refused, { ...asked, redirected });
      throw error instanceof TypeError ? error : failed(error);
    }
  };
  return async function fetch(input, given = {}) {
    const init = ownOf(given ?? {});
    let asked: Asked | undefined;
    try {
      asked = await readRequest(input, init);
      return await sent(asked, init);
    } catch (error) {
      discardUpload(asked?.data ?? init.body, (error as { cause?: unknown } | undefined)?.cause);
      throw error;
    }
  };
}

/** Makes the request that goes straight to the stack, without axios's interceptors and transforms. */
function requestFrom(asked: Asked, init: HttpFetchInit, config: Config): Request {
  const { url, method, headers, data, signal, redirect } = asked;
  const { idempotencyKey, retry, routeName, timeout, timeouts, hashKey } = init;
  const { allowAbsoluteUrls = config.allowAbsoluteUrls } = init;
  const own = { idempotencyKey, retry, routeName, timeout, timeouts, hashKey };
  const request = {
    ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)),
    url,
    method,
    ...(config.baseURL !== undefined && { baseURL: config.baseURL }),
    headers: new AxiosHeaders({ Accept: '*/*', ...config.headers }).set(Object.fromEntries(headers)),
    data,
    ...(signal && { signal }),
    responseType: 'stream',
    // In fetch a response of any status resolves.
    validateStatus: null,
    allowAbsoluteUrls,
    maxRedirects: redirect === 'follow' ? maxRedirects : 0,
    ...(config.proxy === false && { proxy: false }),
  };
  return markOwnHeaders(Object.assign(new Own(), request) as unknown as Request, [...headers.keys()]);
}

/**
 * Wraps a failure in a TypeError, as the standard requires; the error of the stack is its `cause`. The message is that of
 * Node's own fetch, by which libraries know a failure of the network.
 */
function failed(error: unknown): TypeError {
  return fetchError('fetch failed', error);
}
