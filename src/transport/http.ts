/** The full-featured lane: axios's own http adapter, with the same identity, limits and connect timeout. */
import type { AsyncResource } from 'node:async_hooks';
import type { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosAdapter, AxiosError, isAxiosError, isCancel } from 'axios';
import { guard, isStream, onBodyEnd, responseOf } from '../body.js';
import { carriedCall, contextOf, endpointOf } from '../call.js';
import { closedError } from '../errors.js';
import { standardTransitional } from '../front-config.js';
import { harmless } from '../harmless.js';
import { ownValue } from '../own.js';
import type { Request, Response } from '../policy.js';
import { contentLimit } from '../request.js';
import { onAbort } from '../scope.js';
import { adopted } from './body-stream.js';
import { type ConnectOptions, nodeAgents, strangerOf } from './connect.js';
import { beginsAway, redirectFailure, ruledRedirects } from './redirect.js';
import { uncertified, withoutCertificate } from './tunnel.js';

export interface HttpOptions extends ConnectOptions {
  readonly maxConnections: number;
  readonly maxContentLength: number;
}

type Agents = ReturnType<typeof nodeAgents>;

/** Endpoints come and go; agents of the oldest are let go. */
const maxAgents = 256;

/** axios's http adapter over agents of our own, made when first needed. */
export class HttpLane {
  readonly #options: HttpOptions;
  /** By origin and endpoint, where one of many was chosen; the latest made last. */
  readonly #agents = new Map<string, Agents>();
  #adapter: AxiosAdapter | undefined;
  #active = 0;
  /** Ends each request that has no answer yet. */
  readonly #unanswered = new Set<AbortController>();
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  /** Why what was in flight has been ended. */
  #ended: { reason: Error | undefined } | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  async send(request: Request): Promise<Response> {
    this.#adapter ??= axios.getAdapter('http');
    const ending = new AbortController();
    this.#active++;
    this.#unanswered.add(ending);
    const unlink = linked(request, ending);
    const leave = () => {
      unlink();
      if (--this.#active === 0) this.#drained?.();
    };
    // Axios leaves a stream that it has given up without a listener for what goes wrong after that.
    if (isStream(request.data)) guard(request.data);
    const context = contextOf(request);
    let answer: Response | undefined;
    try {
      answer = ours(await this.#adapter(this.#asked(request, ending.signal)), request, context);
      return answer;
    } catch (error) {
      answer = ours(responseOf(error), request, context);
      throw this.#ended !== undefined && isCancel(error) ? this.#endedError(request) : recode(error, request);
    } finally {
      this.#unanswered.delete(ending);
      if (answer === undefined) leave();
      else onBodyEnd(answer, leave);
    }
  }

  #endedError(request: Request): AxiosError {
    const reason = this.#ended?.reason as NodeJS.ErrnoException | undefined;
    if (reason === undefined) return closedError(carriedCall(request)?.client ?? 'pillion', request);
    return new AxiosError(reason.message, reason.code, request);
  }

  /** The request with what the lane adds to it. */
  #asked(request: Request, signal: AbortSignal): Request {
    const http2Options = ownValue(request, 'http2Options') as object | undefined;
    const own = ownValue(request, 'httpsAgent');
    const away = this.#options.stranger !== undefined && beginsAway(request);
    const asked: Request = Object.assign(Object.create(null), {
      ...this.#agentsFor(request, away),
      ...request,
      maxContentLength: contentLimit(request, this.#options.maxContentLength),
      signal,
      // axios's HTTP/2 takes no agent.
      ...(Number(ownValue(request, 'httpVersion')) === 2 && {
        http2Options: { ...(away ? strangerOf(this.#options) : this.#options.identity), ...http2Options },
      }),
      onUploadProgress: heard(ownValue(request, 'onUploadProgress')),
      onDownloadProgress: heard(ownValue(request, 'onDownloadProgress')),
      beforeRedirect: ruledRedirects(request, (options) => {
        const agent = own === undefined ? this.#strangers(request) : uncertified(own as HttpsAgent);
        if (agent !== undefined) withoutCertificate(options, agent);
      }),
    });
    // Where there is none axios reads the global default's.
    asked.transitional ??= standardTransitional;
    return asked;
  }

  #strangers(request: Request): HttpsAgent | undefined {
    if (this.#options.stranger === undefined) return undefined;
    return this.#agentsFor(request, true).httpsAgent as HttpsAgent;
  }

  /** `away`: for an origin that the certificate is not meant for. */
  #agentsFor(request: Request, away: boolean): Agents {
    const endpoint = endpointOf(request);
    const origin = carriedCall(request)?.origin;
    const route = endpoint !== undefined && origin !== undefined ? { origin, endpoint } : undefined;
    const stranger = away && this.#options.stranger !== undefined;
    const key = `${stranger ? 'away ' : ''}${route === undefined ? '' : `${origin} at ${endpoint?.address}`}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const made = nodeAgents(
      stranger ? { ...this.#options, identity: strangerOf(this.#options) } : this.#options,
      this.#options.maxConnections,
      route,
    );
    this.#agents.set(key, made);
    const [[oldest, agents] = []] = this.#agents;
    if (this.#agents.size > maxAgents && oldest !== undefined && agents !== undefined) {
      this.#agents.delete(oldest);
      closeIdle(agents);
    }
    return made;
  }

  /** Closes what is idle; the rest closes with the end of its request. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    for (const agents of this.#agents.values()) closeIdle(agents);
    if (this.#active > 0)
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    this.#letGo();
  }

  /** Ends requests in flight, also those that wait for a connection: an agent alone would make new ones for them. */
  destroy(reason?: Error): void {
    this.#ended = { reason };
    for (const ending of [...this.#unanswered]) ending.abort();
    this.#letGo();
  }

  #letGo(): void {
    for (const { httpAgent, httpsAgent } of this.#agents.values()) {
      httpAgent.destroy();
      httpsAgent.destroy();
    }
  }
}

/** What a listener throws would end the process: axios calls it by itself. */
function heard(listener: unknown): ((event: unknown) => void) | undefined {
  return typeof listener === 'function' ? (event) => harmless(() => listener(event)) : undefined;
}

/** Sockets in use close with the end of their request. */
function closeIdle(agents: Agents): void {
  for (const agent of Object.values(agents)) {
    agent.maxFreeSockets = 0;
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
  }
}

/** With the caller's config, and the body as one of ours: on both lanes a body that has arrived holds nothing, read or not. */
function ours<R extends Response | undefined>(answer: R, request: Request, context: AsyncResource): R {
  if (answer === undefined) return answer;
  answer.config = request;
  const body: unknown = answer.data;
  if (isStream(body))
    answer.data = adopted(body, {
      context,
      codings: [],
      unreadable: (cause) => recode(cause, request) as Error,
    });
  return answer;
}

/** Follows the request's own signal; the function returned ends that. */
function linked({ signal }: Request, ending: AbortController): () => void {
  if (signal === undefined) return () => {};
  const abort = () => ending.abort((signal as AbortSignal).reason);
  if (signal.aborted) abort();
  return onAbort(signal, abort);
}

/** With the caller's config. A connection lost in the middle of a body comes as ERR_BAD_RESPONSE, like a bad status; it is a reset. */
function recode(error: unknown, request: Request): unknown {
  // What Node's own http refuses, such as the name of a header, comes as it is.
  if (error instanceof Error && !isAxiosError(error)) return AxiosError.from(error, undefined, request);
  if (!(error instanceof AxiosError)) return error;
  error.config = request;
  if (error.response) error.response.config = request;
  if (error.code === 'ERR_FR_REDIRECTION_FAILURE') return redirectFailure(error);
  if (error.code === AxiosError.ERR_BAD_RESPONSE && error.message === 'stream has been aborted')
    error.code = 'ECONNRESET';
  return error;
}
