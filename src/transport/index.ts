/** The wire: which lane a request takes, and the edge where an attempt begins and ends. */
import type { AxiosAdapter, AxiosError, GenericAbortSignal } from 'axios';
import { discard, isStream, responseOf } from '../body.js';
import { callOf } from '../call.js';
import { ErrorCode, PillionError, statusError } from '../errors.js';
import type { Emitter } from '../events.js';
import type { Request, Response, Transport } from '../policy.js';
import { abortError, nativeSignal } from '../scope.js';
import { HttpLane } from './http.js';
import { loadIdentity, type TlsOptions } from './tls.js';
import { UndiciLane } from './undici.js';

export interface WireOptions {
  readonly connectTimeout: number | false;
  readonly maxConnections: number;
  readonly maxContentLength: number;
  readonly tls: TlsOptions | undefined;
}

/** What stands at the bottom of the stack. */
export interface Wire {
  readonly send: Transport;
  stats(): unknown;
  /** Lets requests in flight finish, then lets go of every socket. */
  close(): Promise<void>;
  /** Ends requests in flight. */
  destroy(): Promise<void>;
}

/**
 * The wire over undici and, for what that does not speak, axios's http adapter.
 * @throws PillionError ERR_CONFIG for TLS material that cannot be used
 */
export function createWire({ connectTimeout, tls, ...limits }: WireOptions): Wire {
  const options = { ...limits, timeout: connectTimeout, identity: tls === undefined ? {} : loadIdentity(tls) };
  const fast = new UndiciLane(options);
  const full = new HttpLane(options);
  const taken = { undici: 0, http: 0 };
  return {
    send: (request) => {
      const lane = laneOf(request);
      taken[lane]++;
      return lane === 'undici' ? fast.send(request) : full.send(request);
    },
    stats: () => ({ lanes: { ...taken }, connections: fast.stats() }),
    close: async () => {
      await fast.close();
      full.destroy();
    },
    destroy: async () => {
      full.destroy();
      await fast.destroy();
    },
  };
}

/** A wire of the caller's: any AxiosAdapter, given a real AbortSignal. An abort ends the attempt even if it does not listen. */
export function injectedWire(adapter: AxiosAdapter): Wire {
  return {
    send: (request) => {
      const { signal } = request;
      if (signal === undefined) return adapter(request);
      return untilAborted(adapter({ ...request, signal: nativeSignal(signal) }), signal, request);
    },
    stats: () => ({ injected: true }),
    close: async () => {},
    destroy: async () => {},
  };
}

function untilAborted(answer: Promise<Response>, signal: GenericAbortSignal, request: Request): Promise<Response> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortError(signal, request));
    signal.addEventListener?.('abort', abort);
    const late = (error: unknown) => {
      if (signal.aborted) discard(responseOf(error));
      reject(error);
    };
    answer
      .then((response) => (signal.aborted ? discard(response) : resolve(response)), late)
      .finally(() => signal.removeEventListener?.('abort', abort));
  });
}

const nativeResponseTypes = new Set([undefined, 'json', 'text', 'arraybuffer', 'stream']);

/** The options that only axios's http adapter speaks; `laneOf` decides before anything is sent. */
const fullLaneOptions = [
  ...['socketPath', 'httpAgent', 'httpsAgent', 'transport', 'lookup', 'family', 'maxRate', 'insecureHTTPParser'],
  ...['onUploadProgress', 'onDownloadProgress', 'maxRedirects', 'httpVersion'],
] as const;

function laneOf(request: Request): 'undici' | 'http' {
  const options = request as unknown as Record<string, unknown>;
  if (fullLaneOptions.some((name) => options[name])) return 'http';
  if (request.proxy !== false || !nativeResponseTypes.has(request.responseType)) return 'http';
  if (!/^https?:\/\/[^/@]*(\/|$)/.test(callOf(request).href)) return 'http';
  return isNativeBody(request) ? 'undici' : 'http';
}

function isNativeBody({ data, maxBodyLength = -1 }: Request): boolean {
  if (data === undefined || data === null || typeof data === 'string' || Buffer.isBuffer(data)) return true;
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return true;
  // form-data's streams bring headers of their own; a limit on a stream has to be counted as it flows.
  return isStream(data) && !('getHeaders' in data) && maxBodyLength < 0;
}

/**
 * The innermost edge, around any wire: an attempt begins and ends here, exactly once each.
 * A status >= 400 rejects, whatever `validateStatus` says: the caller's own is applied once, at the outer edge.
 */
export function attemptEdge({ send }: Wire, events: Emitter): Transport {
  return async function attempt(request) {
    if (request.signal?.aborted) throw abortError(request.signal, request);
    const call = callOf(request);
    const attempt = ++call.attempts;
    const startedAt = performance.now();
    events.emit('attempt.start', { call, attempt });
    try {
      const response = await send(request);
      if (response.status >= 400) throw statusError(request, response);
      events.emit('attempt.end', { call, attempt, durationMs: performance.now() - startedAt, status: response.status });
      return response;
    } catch (thrown) {
      // A wire may have words of its own for an abort; what counts is why it was aborted.
      const why = request.signal?.aborted ? abortError(request.signal, request) : asError(thrown, request);
      const error = withoutBrokenResponse(why);
      const { code } = error as AxiosError;
      if (code === ErrorCode.CONNECT_TIMEOUT) call.flag('timeout');
      events.emit('attempt.end', {
        call,
        attempt,
        durationMs: performance.now() - startedAt,
        status: responseOf(error)?.status,
        code,
      });
      throw error;
    }
  };
}

/** An answer below 400 that an error carries was not received to its end: it is no answer. */
function withoutBrokenResponse(error: Error): Error {
  const broken = error as AxiosError;
  if (!broken.response || broken.response.status >= 400) return error;
  discard(broken.response);
  delete broken.response;
  delete broken.status;
  return error;
}

function asError(thrown: unknown, request: Request): Error {
  if (thrown instanceof Error) return thrown;
  return new PillionError(ErrorCode.CONFIG, 'The transport rejected with something that is not an error.', request, {
    cause: thrown,
  });
}
