/** The full-featured lane: axios's own http adapter, with the same identity, limits and connect timeout. */
import type { Readable } from 'node:stream';
import axios, { type AxiosAdapter, AxiosError, isAxiosError, isCancel } from 'axios';
import { endBody, isStream, onBodyEnd, responseOf } from '../body.js';
import { carriedCall, endpointOf } from '../call.js';
import { closedError } from '../errors.js';
import type { Request, Response } from '../policy.js';
import { contentLimit } from '../request.js';
import { claimBody, ending } from '../used-body.js';
import { sourceOf } from './body-source.js';
import { type ConnectOptions, nodeAgents } from './connect.js';
import { type NodeSocketOptions, NodeSockets } from './node-sockets.js';

export interface HttpOptions extends ConnectOptions, NodeSocketOptions {
  readonly maxConnections: number;
  readonly maxContentLength: number;
}

type Agents = ReturnType<typeof nodeAgents>;

/** Endpoints come and go; agents of those used longest ago are let go. */
const maxAgents = 256;

/** axios's http adapter over agents of our own, made when first needed. */
export class HttpLane {
  readonly #options: HttpOptions;
  readonly #sockets: NodeSockets;
  /** By origin and endpoint, where one of many was chosen; the latest used last. */
  readonly #agents = new Map<string, Agents>();
  #adapter: AxiosAdapter | undefined;
  #active = 0;
  /** Ends each request that has no answer yet. */
  readonly #unanswered = new Set<AbortController>();
  /** Bodies that are still being read: a tunnel's, HTTP/2's and those of the caller's agents come over no socket of ours. */
  readonly #bodies = new Set<Readable>();
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  /** Why what was in flight has been ended. */
  #ended: { reason: Error | undefined } | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#sockets = new NodeSockets(options);
  }

  async send(request: Request): Promise<Response> {
    if (this.#closing !== undefined || this.#ended !== undefined) throw this.#endedError(request);
    this.#adapter ??= axios.getAdapter('http');
    const abort = new AbortController();
    this.#active++;
    this.#unanswered.add(abort);
    const unlink = linked(request, abort);
    let endUpload = () => {};
    const leave = () => {
      unlink();
      // axios leaves a request body open that was not read to its end.
      endUpload();
      if (--this.#active === 0) this.#drained?.();
    };
    let answer: Response | undefined;
    try {
      const asked = this.#asked(request, abort.signal);
      endUpload = ending(asked.data);
      answer = await this.#adapter(asked);
      answer.config = request;
      return answer;
    } catch (error) {
      answer = responseOf(error);
      throw this.#ended !== undefined && isCancel(error) ? this.#endedError(request) : recode(error, request);
    } finally {
      this.#unanswered.delete(abort);
      if (answer === undefined) leave();
      else this.#follow(answer, leave);
    }
  }

  #follow(answer: Response, leave: () => void): void {
    const body: unknown = answer.data;
    if (isStream(body)) this.#bodies.add(body);
    onBodyEnd(answer, () => {
      this.#bodies.delete(body as Readable);
      leave();
    });
  }

  #endedError(request: Request): AxiosError {
    const reason = this.#ended?.reason as NodeJS.ErrnoException | undefined;
    if (reason === undefined) return closedError(carriedCall(request)?.client ?? 'pillion', request);
    return new AxiosError(reason.message, reason.code, request);
  }

  /** The request with what the lane adds to it. */
  #asked(request: Request, signal: AbortSignal): Request {
    const { http2Options } = request as { http2Options?: object };
    return {
      ...this.#agentsFor(request),
      ...request,
      maxContentLength: contentLimit(request, this.#options.maxContentLength),
      signal,
      ...bodyFor(request),
      // axios's HTTP/2 takes no agent.
      ...(Number(request.httpVersion) === 2 && { http2Options: { ...this.#options.identity, ...http2Options } }),
    } as Request;
  }

  #agentsFor(request: Request): Agents {
    const endpoint = endpointOf(request);
    const origin = carriedCall(request)?.origin;
    const route = endpoint !== undefined && origin !== undefined ? { origin, endpoint } : undefined;
    const key = route === undefined ? '' : `${origin} at ${endpoint?.address}`;
    const known = this.#agents.get(key);
    this.#agents.delete(key);
    const agents = known ?? nodeAgents(this.#options, this.#options.maxConnections, this.#sockets, route);
    this.#agents.set(key, agents);
    if (this.#agents.size > maxAgents) this.#forgetOldest();
    return agents;
  }

  #forgetOldest(): void {
    for (const [key, agents] of this.#agents) {
      this.#agents.delete(key);
      closeIdle(agents);
      return;
    }
  }

  /** Closes what is idle; the rest closes with the end of its request. */
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

  /** Ends requests in flight, also those that wait for a connection: an agent alone would make new ones for them. */
  destroy(reason?: Error): void {
    this.#ended ??= { reason };
    for (const each of [...this.#unanswered]) each.abort();
    for (const body of [...this.#bodies]) endBody(body, reason ?? closedError('pillion'));
    this.#sockets.destroy();
  }
}

/** Sockets in use close with the end of their request. */
function closeIdle(agents: Agents): void {
  for (const agent of Object.values(agents)) {
    agent.maxFreeSockets = 0;
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
  }
}

/** Bodies that axios would not take, as streams. */
function bodyFor(request: Request): Partial<Request> {
  const data: unknown = request.data;
  const iterable = typeof data === 'object' && data !== null && Symbol.asyncIterator in data;
  if (iterable && !isStream(data)) return { data: sourceOf(data, request).open() };
  claimBody(request);
  return {};
}

/** Follows the request's own signal; the function returned ends that. */
function linked({ signal }: Request, own: AbortController): () => void {
  if (signal === undefined) return () => {};
  const abort = () => own.abort((signal as AbortSignal).reason);
  if (signal.aborted) abort();
  signal.addEventListener?.('abort', abort);
  return () => signal.removeEventListener?.('abort', abort);
}

/** With the caller's config. A connection lost in the middle of a body comes as ERR_BAD_RESPONSE, like a bad status; it is a reset. */
function recode(error: unknown, request: Request): unknown {
  // What Node's own http refuses, such as the name of a header, comes as it is.
  if (error instanceof Error && !isAxiosError(error)) return AxiosError.from(error, undefined, request);
  if (!(error instanceof AxiosError)) return error;
  error.config = request;
  if (error.response) error.response.config = request;
  if (error.code === AxiosError.ERR_BAD_RESPONSE && error.message === 'stream has been aborted')
    error.code = 'ECONNRESET';
  return error;
}
