/**
 * The full-featured lane: axios's own http adapter, with the same identity, limits and connect timeout as the fast
 * lane.
 */
import type { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import axios, { type AxiosAdapter, AxiosError, AxiosHeaders, isAxiosError, isCancel } from 'axios';
import { activityOf } from '../call/activity.js';
import { bodyData } from '../call/answer.js';
import { endBody, guard, isStream, onBodyEnd, uploadOwner } from '../call/body.js';
import { isError } from '../call/conceal.js';
import { closedError } from '../call/errors.js';
import { markSent } from '../call/failure.js';
import { harmless } from '../call/harmless.js';
import type { Request, Response } from '../call/message.js';
import { ownValue } from '../call/own.js';
import { Queue } from '../call/queue.js';
import { Recent } from '../call/recent.js';
import { carriedCall, contextOf, endpointOf } from '../call/request.js';
import { abortError, onAbort } from '../call/scope.js';
import { standardTransitional } from '../call/transitional.js';
import { claimBody } from '../call/used-body.js';
import { adopted } from './exchange/body-stream.js';
import { codeOf } from './exchange/codes.js';
import { contentLimit } from './exchange/content-limit.js';
import { type Coding, decompress, takeCodings } from './exchange/decompress.js';
import { beginsAway, redirectFailure, ruledRedirects } from './exchange/redirect.js';
import { withoutCredentials } from './exchange/sent-request.js';
import type { AnswerFacts } from './exchange/stream-facts.js';
import { skipsOwnProxy } from './lane.js';
import { type ConnectOptions, nodeAgents, strangerOf } from './pool/connect.js';
import { isBypassedById, isHttpMocked } from './pool/mocks.js';
import { type NodeSocketOptions, NodeSockets } from './pool/node-sockets.js';
import { uncertified, withoutCertificate } from './pool/tunnel.js';
import { sourceOf } from './upload/body-source.js';
import { readableOf } from './upload/request-body.js';

export interface HttpOptions extends ConnectOptions, NodeSocketOptions {
  readonly maxConnections: number;
  readonly maxContentLength: number;
}

type Agents = ReturnType<typeof nodeAgents>;

/** Endpoints come and go: beyond this many, the agents used longest ago are evicted. */
const maxAgents = 256;

/** Runs axios's http adapter over agents of our own, which are made when first needed. */
export class HttpLane {
  readonly #options: HttpOptions;
  readonly #sockets: NodeSockets;
  /** By origin and endpoint, where one of many was chosen; the most recently used is last. */
  readonly #agents = new Recent<Agents>({ max: maxAgents, evicted: closeIdle });
  #adapter: AxiosAdapter | undefined;
  #active = 0;
  /** Aborts each request that has no answer yet. */
  readonly #unanswered = new Queue<AbortController>();
  /**
   * Bodies that are still being read, to be ended by `destroy`: those of a tunnel, of HTTP/2 and of the caller's agents
   * come over sockets that are not ours.
   */
  readonly #bodies = new Queue<WeakRef<Readable>>();
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  /** Why requests in flight were ended. */
  #ended: { reason: Error | undefined } | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#sockets = new NodeSockets(options);
  }

  async send(request: Request): Promise<Response> {
    if (this.#closing !== undefined || this.#ended !== undefined) throw this.#endedError(request);
    this.#adapter ??= axios.getAdapter('http');
    const abort = new AbortController();
    // axios tells too seldom what moves.
    activityOf(request)?.hold('request');
    this.#active++;
    const place = this.#unanswered.add(abort);
    const unlink = linked(request, abort);
    let endUpload = () => {};
    const leave = () => {
      unlink();
      // axios leaves a request body open that it has not read to its end.
      endUpload();
      if (--this.#active === 0) this.#drained?.();
    };
    // axios leaves a stream that it has aborted without an `error` listener; a later error would end the process.
    if (isStream(request.data)) guard(request.data);
    const context = contextOf(request);
    let redirected = false;
    let answer: Response | undefined;
    try {
      const asked = this.#asked(request, abort.signal, context, () => {
        redirected = true;
      });
      endUpload = uploadOwner(asked.data);
      answer = await this.#received(await this.#adapter(asked), request, context);
      return answer;
    } catch (thrown) {
      const error = this.#ended !== undefined && isCancel(thrown) ? this.#endedError(request) : recode(thrown, request);
      if (redirected) markSent(error);
      throw error;
    } finally {
      this.#unanswered.remove(place);
      if (answer === undefined) leave();
      else this.#follow(answer, leave);
    }
  }

  #follow(answer: Response, leave: () => void): void {
    const body = isStream(answer.data) ? new WeakRef(answer.data) : undefined;
    const place = body && this.#bodies.add(body);
    onBodyEnd(answer, () => {
      this.#bodies.remove(place);
      leave();
    });
  }

  #endedError(request: Request): AxiosError {
    const reason = this.#ended?.reason as NodeJS.ErrnoException | undefined;
    if (reason === undefined) return closedError(carriedCall(request)?.client ?? 'pillion', request);
    return new AxiosError(reason.message, reason.code, request);
  }

  /** The request with the options that this lane adds. */
  #asked(request: Request, signal: AbortSignal, context: AsyncResource, onRedirect: () => void): Request {
    const http2Options = ownValue(request, 'http2Options') as object | undefined;
    const own = ownValue(request, 'httpsAgent');
    const away = this.#options.stranger !== undefined && beginsAway(request);
    const asked: Request = Object.assign(Object.create(null), {
      ...this.#agentsFor(request, away),
      ...request,
      maxContentLength: contentLimit(request, this.#options.maxContentLength),
      signal,
      // The status is judged further up the stack.
      validateStatus: null,
      ...(request.decompress !== false && encoded(request)),
      ...bodyFor(request),
      ...(skipsOwnProxy(request) && { proxy: false }),
      // axios's HTTP/2 takes no agent, so the identity goes into its own options.
      ...(Number(ownValue(request, 'httpVersion')) === 2 && {
        http2Options: { ...(away ? strangerOf(this.#options) : this.#options.identity), ...http2Options },
      }),
      onUploadProgress: heard(ownValue(request, 'onUploadProgress'), context),
      onDownloadProgress: heard(ownValue(request, 'onDownloadProgress'), context),
      beforeRedirect: ruledRedirects(request, onRedirect, (options) => {
        const agent = own === undefined ? this.#strangers(request) : uncertified(own as HttpsAgent);
        if (agent !== undefined) withoutCertificate(options, agent);
      }),
    });
    if (isHttpMocked()) {
      // None of these mocks sees node:http2.
      delete (asked as { httpVersion?: unknown }).httpVersion;
      if (isBypassedById()) asked.headers = withoutId(request.headers);
    }
    // Without it axios would read the global defaults.
    asked.transitional ??= standardTransitional;
    return asked;
  }

  /** The answer with the caller's config, and with its body as on the fast lane: decoded, a stream as one of ours. */
  async #received(answer: Response, request: Request, context: AsyncResource): Promise<Response> {
    answer.config = request;
    const { data, headers, status } = answer;
    const decodes = request.decompress !== false;
    const codings = decodes ? takeCodings(headers, request.method, status) : [];
    const limit = contentLimit(request, this.#options.maxContentLength);
    if (isStream(data)) return streamed(answer, data, request, context, codings, limit);
    const cut = cutOff(answer);
    if (cut !== undefined) throw unreadable(cut, answer, limit);
    if (!decodes || !Buffer.isBuffer(data) || isData(request)) return answer;
    try {
      answer.data = bodyData(await decompress(data, codings, limit), request, headers);
    } catch (cause) {
      throw unreadable(cause as NodeJS.ErrnoException, answer, limit);
    }
    return answer;
  }

  #strangers(request: Request): HttpsAgent | undefined {
    if (this.#options.stranger === undefined) return undefined;
    return this.#agentsFor(request, true).httpsAgent as HttpsAgent;
  }

  /** The agents for a request; `away`: it goes to an origin that the client's certificate is not meant for. */
  #agentsFor(request: Request, away: boolean): Agents {
    const endpoint = endpointOf(request);
    const origin = carriedCall(request)?.origin;
    const route = endpoint !== undefined && origin !== undefined ? { origin, endpoint } : undefined;
    const stranger = away && this.#options.stranger !== undefined;
    const key = `${stranger ? 'away ' : ''}${route === undefined ? '' : `${origin} at ${endpoint?.address} as ${endpoint?.serverName}`}`;
    return this.#agents.use(key, () => {
      const options = stranger ? { ...this.#options, identity: strangerOf(this.#options) } : this.#options;
      return nodeAgents(options, this.#options.maxConnections, this.#sockets, route);
    });
  }

  /** Closes idle sockets now, and each other socket when its request has ended. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    this.#sockets.close();
    if (this.#active > 0)
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    this.#sockets.destroy();
  }

  /**
   * Ends requests in flight, also those that wait for a connection: an agent alone would open new connections for them.
   */
  destroy(reason?: Error): void {
    this.#ended ??= { reason };
    for (const each of this.#unanswered.items()) each.abort();
    for (const body of this.#bodies.items()) {
      const stream = body.deref();
      if (stream !== undefined) endBody(stream, reason ?? closedError('pillion'));
    }
    this.#sockets.destroy();
  }
}

/**
 * Wraps a progress listener, to run in the context of its call. axios calls it without catching anything, in the
 * context of the code that cancels the call, and an exception would end the process.
 */
function heard(listener: unknown, context: AsyncResource): ((event: unknown) => void) | undefined {
  if (typeof listener !== 'function') return undefined;
  return (event) => harmless(() => context.runInAsyncScope(listener as (event: unknown) => void, undefined, event));
}

/** Closes idle sockets now; sockets in use close when their request has ended. */
function closeIdle(agents: Agents): void {
  for (const agent of Object.values(agents)) {
    agent.maxFreeSockets = 0;
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
  }
}

/**
 * Options for a body that is not decoded by axios, which takes an encoded body that was cut short for a complete one.
 */
function encoded(request: Request): Partial<Request> {
  const buffered = request.responseType !== 'stream' && !isData(request);
  return { decompress: false, ...(buffered && { responseType: 'arraybuffer' }) };
}

function withoutId(headers: Request['headers']): Request['headers'] {
  const others = new AxiosHeaders(headers);
  others.delete('x-request-id');
  return others;
}

/** True for a `data:` URL, which axios decodes itself. */
function isData({ url = '' }: Request): boolean {
  return /^data:/i.test(url);
}

function streamed(
  answer: Response,
  body: Readable,
  request: Request,
  context: AsyncResource,
  codings: readonly Coding[],
  bytes: number,
): Response {
  const { signal } = request;
  const options = {
    context,
    codings,
    limit: bytes > -1 && codings.length > 0 ? { bytes, exceeded: () => tooLarge(answer, bytes) } : undefined,
    unreadable: (cause: Error) => (signal?.aborted ? abortError(signal, request) : unreadable(cause, answer, bytes)),
    facts: factsOf(answer),
  };
  // A new answer: axios keeps its own for as long as the connection lasts, and would keep our body with it.
  return { ...answer, data: adopted(body, options, () => cutOff(answer)) };
}

function factsOf(answer: Response): AnswerFacts {
  const request = (answer.request ?? {}) as { res?: IncomingMessage & { responseUrl?: string } };
  // Without redirects Node's own client sends the request, which notes no URL.
  const { httpVersion = '1.1', rawHeaders, responseUrl = carriedCall(answer.config)?.href } = request.res ?? {};
  return {
    head: answer,
    httpVersion,
    rawHeaders,
    trailers: {},
    rawTrailers: [],
    responseUrl: () => withoutCredentials(responseUrl ?? ''),
  };
}

/**
 * The error of a connection that was reset within a body without a length, which Node takes for a complete one; or behind a
 * body that was not read yet: then axios destroys the request, and Node drops what is left and ends the body.
 */
function cutOff({ headers, request }: Response): Error | undefined {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  const { socket, res } = (request ?? {}) as {
    socket?: { errored?: Error | null } | null;
    res?: { _dumped?: boolean } | null;
  };
  if (res?._dumped)
    return Object.assign(new Error('The connection was reset before the response body was read.'), {
      code: 'ECONNRESET',
    });
  return length === undefined && coding === undefined ? (socket?.errored ?? undefined) : undefined;
}

function tooLarge({ config, request }: Response, bytes: number): AxiosError {
  return new AxiosError(`maxContentLength size of ${bytes} exceeded`, AxiosError.ERR_BAD_RESPONSE, config, request);
}

/** The error for a body that could not be read to its end. */
function unreadable(cause: NodeJS.ErrnoException, answer: Response, bytes: number): AxiosError {
  if (cause.code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(answer, bytes);
  const { config, request } = answer;
  if (isAxiosError(cause)) return recode(cause, config) as AxiosError;
  const code = cause.code === undefined ? AxiosError.ERR_BAD_RESPONSE : codeOf(cause, { streaming: true });
  return AxiosError.from(cause, code, config, request);
}

/** Converts a body that axios would not take to a stream. */
function bodyFor(request: Request): Partial<Request> {
  const data: unknown = request.data;
  const iterable = typeof data === 'object' && data !== null && Symbol.asyncIterator in data;
  if (iterable && !isStream(data)) return { data: readableOf(sourceOf(data, request).open(), contextOf(request)) };
  claimBody(request);
  return {};
}

/** Aborts `own` when the request's signal aborts; the returned function stops that. */
function linked({ signal }: Request, own: AbortController): () => void {
  if (signal === undefined) return () => {};
  const abort = () => own.abort((signal as AbortSignal).reason);
  if (signal.aborted) abort();
  return onAbort(signal, abort);
}

/**
 * Gives an error the caller's config, and the code that it has on the fast lane. axios reports a connection lost within
 * a body as ERR_BAD_RESPONSE, like a bad status; here it becomes a reset.
 */
function recode(error: unknown, request: Request): unknown {
  // Node's own http throws a plain error for what it refuses, such as a bad header name.
  const failure = isError(error) && !isAxiosError(error) ? AxiosError.from(error, undefined, request) : error;
  if (!(failure instanceof AxiosError)) return failure;
  failure.config = request;
  if (failure.response) failure.response.config = request;
  if (failure.code === 'ERR_FR_REDIRECTION_FAILURE') return redirectFailure(failure);
  const brokenOff = failure.code === AxiosError.ERR_BAD_RESPONSE && failure.message === 'stream has been aborted';
  if (failure.code !== undefined && !isCancel(failure)) failure.code = brokenOff ? 'ECONNRESET' : codeOf(failure);
  return failure;
}
