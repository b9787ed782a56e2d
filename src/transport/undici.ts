/**
 * The fast lane: undici's `dispatch` with a handler that collects the body, at about a fifth of the CPU of axios's http
 * adapter.
 */

import { basicAuthOf } from '../call/authorization.js';
import { closedError } from '../call/errors.js';
import { markSent } from '../call/failure.js';
import type { Request, Response } from '../call/message.js';
import { Recent } from '../call/recent.js';
import { carriedCall, endpointOf } from '../call/request.js';
import { resolveUrl, type Target } from '../call/url.js';
import { contentLimit } from './exchange/content-limit.js';
import { Exchange, type Order } from './exchange/exchange.js';
import { checkRedirects, type Hop, isAway, locationOf, nextHop, redirectsOf } from './exchange/redirect.js';
import { type AllowH2, type ConnectOptions, type Connectors, connector, strangerOf } from './pool/connect.js';
import { MockedRequest } from './pool/mocked-request.js';
import { activeMockAgent } from './pool/mocks.js';
import { type Destination, Pool, type PoolOptions, type PoolStats } from './pool/pool.js';
import { type Upload, uploadOf } from './upload/upload.js';

export interface UndiciOptions extends ConnectOptions, PoolOptions {
  /** Bytes that a buffered response body may have where the request sets no limit; -1: no limit. */
  readonly maxContentLength: number;
  /** Destinations with open connections; beyond this number, the one used longest ago is evicted. */
  readonly maxOrigins: number;
  readonly userAgent: string;
  readonly allowH2: AllowH2;
}

/** A transport over one pool of connections for each origin. */
export class UndiciLane {
  readonly #options: UndiciOptions;
  readonly #connect: Connectors;
  /** For origins that the client's certificate is not meant for. */
  #connectAway: Connectors | undefined;
  readonly #pools: Recent<Pool>;
  readonly #mocked = new Set<MockedRequest>();
  #closed = false;
  #destroyed = false;
  #closing: Promise<void> | undefined;
  #following = 0;
  #drained: (() => void) | undefined;

  constructor(options: UndiciOptions) {
    this.#options = options;
    this.#connect = connectorsOf(options);
    this.#pools = new Recent({
      max: options.maxOrigins,
      busy: (pool) => pool.busy,
      evicted: (pool) => void pool.close(),
    });
  }

  /** Sends one request; when its signal aborts, rejects at once and destroys its socket. */
  send(request: Request): Promise<Response> {
    try {
      if (this.#closed) throw closedError(carriedCall(request)?.client ?? 'pillion', request);
      const hop = firstHop(request);
      const redirects = redirectsOf(request) > 0;
      if (redirects) checkRedirects(request);
      const upload = uploadOf(request);
      if (upload instanceof Promise) return this.#tracked(upload.then((ready) => this.#follow(request, hop, ready)));
      if (redirects || upload.finish !== undefined) return this.#tracked(this.#follow(request, hop, upload));
      return this.#exchange(request, hop, upload);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Counts a request as in flight while it follows redirects: between two of its hops no pool knows of it. */
  async #tracked(answer: Promise<Response>): Promise<Response> {
    this.#following++;
    try {
      return await answer;
    } finally {
      if (--this.#following === 0) this.#drained?.();
    }
  }

  async #follow(request: Request, first: Hop, upload: Upload): Promise<Response> {
    const redirects = redirectsOf(request) > 0;
    let hop = first;
    let failed = true;
    try {
      for (let followed = 1; ; followed++) {
        const response = await this.#exchange(request, hop, upload);
        if (!redirects || locationOf(response.status, response.headers) === undefined) {
          failed = false;
          return response;
        }
        hop = nextHop(request, hop, response, followed);
      }
    } catch (error) {
      if (hop !== first) markSent(error);
      throw error;
    } finally {
      upload.finish?.(failed);
    }
  }

  #exchange(request: Request, hop: Hop, upload: Upload): Promise<Response> {
    if (this.#destroyed) throw closedError(carriedCall(request)?.client ?? 'pillion', request);
    const agent = activeMockAgent();
    if (agent !== undefined) {
      const mocked = new MockedRequest(agent, hop.target.origin, this.#mocked);
      return this.#tracked(this.#over(mocked, request, hop, upload));
    }
    const away = this.#options.stranger !== undefined && isAway(request, hop.target.origin);
    return this.#over(this.#poolOf(destinationOf(request, hop, away), away), request, hop, upload);
  }

  #over(pool: Order['pool'], request: Request, hop: Hop, upload: Upload): Promise<Response> {
    const { userAgent } = this.#options;
    const maxContentLength = contentLimit(request, this.#options.maxContentLength);
    const follows = redirectsOf(request) > 0;
    return new Promise((resolve, reject) => {
      new Exchange({ request, hop, upload, pool, userAgent, maxContentLength, follows }, resolve, reject).begin();
    });
  }

  #poolOf(destination: Destination, away: boolean): Pool {
    const { key } = destination;
    const make = () => new Pool(destination, this.#connectors(away), this.#options, (empty) => this.#forget(empty));
    return this.#pools.use(key, make);
  }

  #connectors(away: boolean): Connectors {
    if (!away) return this.#connect;
    this.#connectAway ??= connectorsOf({ ...this.#options, identity: strangerOf(this.#options) });
    return this.#connectAway;
  }

  #forget(pool: Pool): void {
    this.#pools.delete(pool.key, pool);
  }

  /** Counts of connections and requests, for each origin. */
  stats(): Record<string, PoolStats> {
    return Object.fromEntries([...this.#pools].map(([key, pool]) => [key, pool.stats()]));
  }

  /** Closes the lane once the requests in flight have finished, redirects included. */
  close(): Promise<void> {
    this.#closed = true;
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
    if (this.#following > 0)
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  /** Ends requests in flight, with `ERR_CLOSED` where no other reason is given. */
  async destroy(reason?: Error): Promise<void> {
    this.#closed = true;
    this.#destroyed = true;
    this.#drained?.();
    for (const each of [...this.#mocked]) each.destroy(reason ?? closedError('pillion'));
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy(reason)));
  }
}

function connectorsOf(options: UndiciOptions): Connectors {
  const { allowH2 } = options;
  return {
    h1: connector(options, 'h1'),
    h2: allowH2 ? connector(options, 'h2') : undefined,
    h2c: allowH2 === 'prior-knowledge' ? connector(options, 'h2c') : undefined,
  };
}

/**
 * The pool that a request goes to. The endpoint is one of the call's own origin; a redirect to another origin does not
 * use it.
 */
function destinationOf(request: Request, { target: { origin } }: Hop, away: boolean): Destination {
  const endpoint = endpointOf(request);
  if (away) return { origin, key: `${origin} without certificate`, endpoint: undefined };
  if (endpoint === undefined || carriedCall(request)?.origin !== origin)
    return { origin, key: origin, endpoint: undefined };
  const { address, serverName } = endpoint;
  // An update may give the address another name, and its connections were verified by the name.
  const name = serverName === undefined ? '' : ` as ${serverName}`;
  return { origin, key: `${origin} at ${address}${name}`, endpoint };
}

function firstHop(request: Request): Hop {
  const target: Target = carriedCall(request) ?? resolveUrl(request);
  return {
    target,
    method: (request.method ?? 'get').toUpperCase(),
    headers: request.headers,
    authorization: basicAuthOf(request, target),
    withBody: true,
  };
}
