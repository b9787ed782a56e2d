/** The full-featured lane: axios's own http adapter, with the same identity, limits and connect timeout. */
import axios, { type AxiosAdapter, AxiosError, isAxiosError } from 'axios';
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

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  readonly send = async (request: Request): Promise<Response> => {
    this.#agents ??= nodeAgents(this.#options, this.#options.maxConnections);
    this.#adapter ??= axios.getAdapter('http');
    const signal = request.signal && nativeSignal(request.signal);
    const maxContentLength = contentLimit(request, this.#options.maxContentLength);
    try {
      return await this.#adapter({ ...this.#agents, ...request, maxContentLength, ...(signal && { signal }) });
    } catch (error) {
      throw recode(error, request);
    }
  };

  destroy(): void {
    this.#agents?.httpAgent.destroy();
    this.#agents?.httpsAgent.destroy();
  }
}

/** A connection lost in the middle of a body comes as ERR_BAD_RESPONSE, like a bad status; it is a reset. */
function recode(error: unknown, request: Request): unknown {
  // What Node's own http refuses, such as the name of a header, comes as it is.
  if (error instanceof Error && !isAxiosError(error)) return AxiosError.from(error, undefined, request);
  if (
    error instanceof AxiosError &&
    error.code === AxiosError.ERR_BAD_RESPONSE &&
    error.message === 'stream has been aborted'
  ) {
    error.code = 'ECONNRESET';
  }
  return error;
}
