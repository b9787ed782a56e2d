/** The full-featured lane: axios's own http adapter, with the same identity, limits and connect timeout. */
import axios, { type AxiosAdapter, AxiosError, isAxiosError } from 'axios';
import { onBodyEnd, responseOf } from '../body.js';
import type { Request, Response } from '../policy.js';
import { contentLimit } from '../request.js';
import { nativeSignal } from '../scope.js';
import { type ConnectOptions, nodeAgents } from './connect.js';

export interface HttpOptions extends ConnectOptions {
  readonly maxConnections: number;
  readonly maxContentLength: number;
}

/** axios's http adapter over agents of our own; both are made when first needed. */
export class HttpLane {
  readonly #options: HttpOptions;
  #agents: ReturnType<typeof nodeAgents> | undefined;
  #adapter: AxiosAdapter | undefined;
  #active = 0;
  #drained: (() => void) | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  async send(request: Request): Promise<Response> {
    this.#adapter ??= axios.getAdapter('http');
    this.#active++;
    try {
      const response = await this.#adapter(this.#asked(request));
      response.config = request;
      onBodyEnd(response, () => this.#leave());
      return response;
    } catch (error) {
      const response = responseOf(error);
      if (response === undefined) this.#leave();
      else onBodyEnd(response, () => this.#leave());
      throw recode(error, request);
    }
  }

  /** The request with what the lane adds to it. */
  #asked(request: Request): Request {
    this.#agents ??= nodeAgents(this.#options, this.#options.maxConnections);
    const { http2Options } = request as { http2Options?: object };
    const signal = request.signal && nativeSignal(request.signal);
    return {
      ...this.#agents,
      ...request,
      maxContentLength: contentLimit(request, this.#options.maxContentLength),
      ...(signal && { signal }),
      // axios's HTTP/2 takes no agent.
      ...(Number(request.httpVersion) === 2 && { http2Options: { ...this.#options.identity, ...http2Options } }),
    } as Request;
  }

  /** Closes what is idle; the rest closes with the end of its request. */
  async close(): Promise<void> {
    for (const agent of Object.values(this.#agents ?? {})) {
      agent.maxFreeSockets = 0;
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    }
    if (this.#active > 0)
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    this.destroy();
  }

  destroy(): void {
    this.#agents?.httpAgent.destroy();
    this.#agents?.httpsAgent.destroy();
  }

  #leave(): void {
    if (--this.#active === 0) this.#drained?.();
  }
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
