/** Requests of the stack: each carries its call, and for an attempt its endpoint. */
import type { AsyncResource } from 'node:async_hooks';
import { copyHeaders } from './headers.js';
import type { Request } from './message.js';
import { ownOf } from './own.js';
import { Call, CallContext, type Endpoint, OWN_HEADERS } from './record.js';
import { version } from './version.js';

const CALL: unique symbol = Symbol.for(`pillion.call@${version}`);
const ENDPOINT: unique symbol = Symbol.for(`pillion.endpoint@${version}`);
const PLACEMENT: unique symbol = Symbol.for(`pillion.placement@${version}`);
type Carrying = Request & { [CALL]?: Call; [ENDPOINT]?: Endpoint; [PLACEMENT]?: object | undefined };

/** The call a request belongs to, if it came through a client. */
export function carriedCall(request: Request): Call | undefined {
  return (request as Carrying)[CALL];
}

/** The call a request belongs to; one made on the spot for a policy that works alone. */
export function callOf(request: Request): Call {
  return (request as Carrying)[CALL] ?? new Call(ownOf(request));
}

/**
 * The async context in which the caller's code runs that belongs to this request. Without a call it is that of whoever asks, so
 * it has to be asked for before anything is sent.
 */
export function contextOf(request: Request): AsyncResource {
  return carriedCall(request)?.context ?? new CallContext();
}

/** The request with a call on it, so that everything further down sees the same one, and with headers of its own. */
export function withCall(request: Request): Request {
  if ((request as Carrying)[CALL] !== undefined) return request;
  const own = ownOf(request);
  const carrying = requestOf(own, new Call(own));
  carrying.headers = copyHeaders(own.headers);
  return carrying;
}

/** An option that the route of the call sets for a policy; undefined where it sets none, or there is no route. */
export function routeOption(request: Request, policy: string): unknown {
  return (request as Carrying)[CALL]?.route?.options[policy];
}

/** The address an attempt goes to, where one was chosen among many. */
export function endpointOf(request: Request): Endpoint | undefined {
  return (request as Carrying)[ENDPOINT];
}

/** A copy of the request for one attempt at this endpoint; `placement` is what the policies about endpoints know of it. */
export function atEndpoint(request: Request, endpoint: Endpoint, placement?: object): Request {
  return { ...request, [ENDPOINT]: endpoint, [PLACEMENT]: placement } as Carrying;
}

/** What `atEndpoint` was given for the policies about endpoints. */
export function carriedPlacement(request: Request): object | undefined {
  return (request as Carrying)[PLACEMENT];
}

/** What circuits and limits are kept for: an endpoint where there are many, else an origin. */
export function destinationOf(request: Request): string {
  return (request as Carrying)[ENDPOINT]?.address ?? callOf(request).origin;
}

/**
 * A request of our own out of axios's, with its call; whoever has it made may change it.
 * Every option that each call reads further down is in `shape`, so that none is looked for on `Object.prototype`; rare ones are read by
 * `ownValue`.
 * axios hands over an object without prototype, which V8 takes 3 us to spread each time. Copied into `shape` it has all its
 * usual keys from the start and stays fast: this copy takes 0.5 us, every spread further down 20 ns. A key that is added to
 * a spread is not so: one for the placement made a call to an endpoint cost twice one without, so all keys of ours are here.
 */
export function requestOf(config: Request, call?: Call): Request {
  const request: Carrying = Object.assign({ ...shape } as unknown as Carrying, ownOf(config));
  if (call !== undefined) request[CALL] = call;
  return request;
}

const shape = {
  [CALL]: undefined as Call | undefined,
  [ENDPOINT]: undefined as Endpoint | undefined,
  [PLACEMENT]: undefined,
  [OWN_HEADERS]: undefined,
  url: undefined,
  method: undefined,
  baseURL: undefined,
  headers: undefined,
  params: undefined,
  data: undefined,
  signal: undefined,
  cancelToken: undefined,
  timeout: undefined,
  timeouts: undefined,
  retry: undefined,
  routeName: undefined,
  idempotencyKey: undefined,
  hashKey: undefined,
  adapter: undefined,
  transitional: undefined,
  transformRequest: undefined,
  transformResponse: undefined,
  responseType: undefined,
  decompress: undefined,
  validateStatus: undefined,
  maxContentLength: undefined,
  maxBodyLength: undefined,
  maxRedirects: undefined,
  allowAbsoluteUrls: undefined,
  onUploadProgress: undefined,
  onDownloadProgress: undefined,
  proxy: undefined,
} satisfies { [Key in keyof Carrying | typeof OWN_HEADERS]?: unknown };
