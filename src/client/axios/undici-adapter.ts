/** An axios adapter over undici, for any axios instance: the wire without the policies. */
import axios, { type AxiosAdapter, AxiosError } from 'axios';
import { z } from 'zod';
import { discardUpload, onBodyEnd } from '../../call/body.js';
import { asAxiosError, statusError, traceless } from '../../call/errors.js';
import type { Request, Response, Transport } from '../../call/message.js';
import { dataOf, Own, ownOf } from '../../call/own.js';
import { requestOf } from '../../call/request.js';
import { linkCaller, Scope } from '../../call/scope.js';
import { bounded } from '../../call/time-limit.js';
import { textOf } from '../../call/url.js';
import { duration } from '../../options/duration.js';
import { badOptions, faultsOf, valueAt } from '../../options/options.js';
import { timeoutError, timeoutOf } from '../../policies/timeouts/call-timeouts.js';
import { allowH2, connectionOptions } from '../../transport/pool/connection-options.js';
import { materialFaults } from '../../transport/tls/material-faults.js';
import { type IdentityStats, RotatingIdentity } from '../../transport/tls/rotating-identity.js';
import { partsOf, tlsOptions } from '../../transport/tls/tls.js';
import { createWire, type WireStats } from '../../transport/wire.js';
import { isAccepted } from './accepted.js';

const adapterOptions = z.lazy(() =>
  connectionOptions().extend({
    maxConnections: z
      .int()
      .min(1)
      .max(65_535)
      .default(128)
      .describe(
        'Most connections to each origin; further requests wait for a free one. Default 128. Lower it for an upstream that accepts few connections.',
      ),
    tls: tlsOptions
      .optional()
      .describe(
        'TLS options for https: client certificate, certificate authorities and pinning. Default: those of Node.',
      ),
    connectTimeout: duration({ min: 1 })
      .or(z.literal(false))
      .prefault('10s')
      .describe(
        'Time limit for opening a connection, TLS handshake included. Default 10s; `false`: no limit. Lower it to fail sooner if a server does not answer.',
      ),
    allowH2,
  }),
);

/** Options of `createUndiciAdapter`; durations are milliseconds or strings such as `'10s'`. */
export type UndiciAdapterOptions = z.input<typeof adapterOptions>;

/** An axios adapter with connections of its own. */
export interface UndiciAdapter extends AxiosAdapter, AsyncDisposable {
  /** Stats of the connections and, with `tls.cert`, `pfx` or `ca`, of the certificate in use. */
  stats(): WireStats & { identity?: IdentityStats };
  /** Rejects new requests with `ERR_CLOSED`, lets those in flight finish, then closes all connections. */
  close(): Promise<void>;
  /** Aborts requests in flight with `ERR_CLOSED` and closes all connections at once. */
  destroy(): Promise<void>;
}

/**
 * Creates a complete axios adapter over undici, without any policy: `axios.create({ adapter: createUndiciAdapter() })`.
 * Every request option of axios works as with axios's http adapter, which carries the requests that undici does not
 * support (proxies, unix sockets, the caller's agents and lookups, `maxRate`, …). Connections stay open until
 * `close()`; idle ones do not keep the process alive.
 * @throws PillionError `ERR_CONFIG` with every fault of `options` in `faults`
 */
export function createUndiciAdapter(options: UndiciAdapterOptions = {}): UndiciAdapter {
  const { tls, ...parsed } = parseAdapterOptions(options);
  const { material, peer } = tls === undefined ? {} : partsOf(tls);
  const identity = material && new RotatingIdentity(material);
  const wire = createWire({ ...parsed, peer, maxContentLength: -1, userAgent: `axios/${axios.VERSION}` }, identity);
  const adapter = async (request: Request): Promise<Response> => {
    try {
      const own = ownOf(request);
      return settled(await carried(wire.send, sendable(own)), own, request);
    } catch (error) {
      discardUpload(request.data, error);
      throw presented(error, request);
    }
  };
  const stats = () => ({ ...wire.stats(), ...(identity && { identity: identity.stats() }) });
  const close = () => {
    identity?.close();
    return wire.close();
  };
  const destroy = () => {
    identity?.close();
    return wire.destroy();
  };
  return Object.assign(adapter, { stats, close, destroy, [Symbol.asyncDispose]: close });
}

function parseAdapterOptions(options: UndiciAdapterOptions): z.output<typeof adapterOptions> {
  const result = adapterOptions.safeParse(dataOf(options));
  if (result.success) return dataOf(result.data) as z.output<typeof adapterOptions>;
  const faults = faultsOf(result.error, adapterOptions, (path) => valueAt(options, path));
  throw badOptions([...faults, ...materialFaults(options?.tls)], 'createUndiciAdapter');
}

/**
 * Prepares the request for the wire. `validateStatus` is applied to the response later, as an exception in the wire
 * would end the process.
 */
function sendable(own: Request): Request {
  const text = { url: textOf(own.url), ...(own.baseURL && { baseURL: textOf(own.baseURL) }) };
  return Object.assign(new Own(), own, text, { validateStatus: null }) as unknown as Request;
}

/** Gives an error the caller's config and, for a body that broke off, axios's own message. */
function presented(thrown: unknown, request: Request): AxiosError {
  const error = asAxiosError(thrown, AxiosError.ERR_BAD_RESPONSE, request);
  error.config = request;
  if (error.response !== undefined) error.response.config = request;
  if (error.response !== undefined && error.code === 'ECONNRESET') brokenOff(error);
  return error;
}

/**
 * Sets code and message as in axios for a body that the server ended too early; for a compressed one axios reports a
 * reset too.
 */
function brokenOff(error: AxiosError): void {
  // undici's errors (the server ended the connection, or violated HTTP) have their own names; a plain Error is a
  // socket's.
  if (error.cause?.name === 'Error') {
    delete error.response;
    delete error.status;
  } else if (!error.response?.headers['content-encoding'])
    Object.assign(error, { code: AxiosError.ERR_BAD_RESPONSE, message: 'stream has been aborted' });
}

function settled(response: Response, { validateStatus }: Request, request: Request): Response {
  response.config = request;
  if (!validateStatus || isAccepted(validateStatus, response, request)) return response;
  const { message, code } = statusError(request, response);
  // A plain AxiosError, as axios's own adapter would throw: without the client this adapter replaces it.
  throw traceless(() => new AxiosError(message, code, request, response.request, response));
}

/**
 * Applies axios's `timeout`, which bounds the whole request (up to the headers of a stream), and both of axios's ways
 * to cancel.
 */
function carried(send: Transport, request: Request): Promise<Response> {
  const ms = timeoutOf(request);
  if (ms === undefined && request.cancelToken === undefined) return send(request);
  return bound(send, request, ms);
}

async function bound(send: Transport, request: Request, ms: number | undefined): Promise<Response> {
  const scope = new Scope();
  const release = linkCaller(request, scope);
  const own = Object.assign(requestOf(request), { signal: scope, cancelToken: undefined, timeout: 0 });
  try {
    const response = await bounded(send, own, ms, { until: 'headers', expired: () => timeoutError(request) });
    onBodyEnd(response, release);
    return response;
  } catch (error) {
    release();
    throw error;
  }
}
