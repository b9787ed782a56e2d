/** Recognizes the mocks of tests: nock, msw and other users of `@mswjs/interceptors`, and undici's MockAgent. */
import http from 'node:http';
import type { Dispatcher } from 'undici';
import { ownValue } from '../../call/own.js';

/** The functions of node:http that were looked at last, and whether they are those of a mock. */
let request: unknown;
let clientRequest: unknown;
let replaced = false;
let oldInterceptor = false;

/** True while nock or `@mswjs/interceptors`, which msw is built on, intercepts the requests of node:http. */
export function isHttpMocked(): boolean {
  if (http.request !== request || http.ClientRequest !== clientRequest) {
    ({ request, ClientRequest: clientRequest } = http);
    oldInterceptor = hasInterceptor('http');
    replaced = oldInterceptor || isOfNock() || hasInterceptor('client-request-interceptor');
  }
  return replaced || areSocketsMocked();
}

/**
 * True where `isHttpMocked` has found `@mswjs/interceptors` before 0.32, as in msw until 2.4. Until 0.25, in msw 2.0
 * to 2.2, it sends a request that has an `X-Request-Id` header to the network.
 */
export function isBypassedById(): boolean {
  return oldInterceptor;
}

/**
 * True for the class of nock up to 14, under whatever wraps it, and for the function of nock's recorder up to 13.
 * Tracers such as OpenTelemetry's wrap `http.request` too, but leave the class alone, and name what they wrap.
 */
function isOfNock(): boolean {
  if (http.ClientRequest.name === 'OverriddenClientRequest') return true;
  let layer: unknown = http.request;
  for (let depth = 0; typeof layer === 'function' && depth < 10; depth++) {
    if (/\bnewRequest\(proto\b/.test(Function.prototype.toString.call(layer))) return true;
    layer = ownValue(layer, '__original');
  }
  return false;
}

/**
 * True where an interceptor of node:http is registered as `@mswjs/interceptors` does up to 0.41, on `globalThis` under
 * a symbol that most of these versions make anew.
 */
function hasInterceptor(description: string): boolean {
  return Object.getOwnPropertySymbols(globalThis).some(
    (symbol) =>
      symbol.description === description &&
      typeof (globalThis as { [name: symbol]: { dispose?: unknown } | undefined })[symbol]?.dispose === 'function',
  );
}

const socketInterceptor = Symbol.for('socket-interceptor');

/**
 * True while `@mswjs/interceptors` of 0.42 and later intercepts sockets, as in nock 15 and msw 3. The fast lane would
 * use connections that were opened before.
 */
export function areSocketsMocked(): boolean {
  const { __MSW_INTERCEPTORS_REGISTRY: registry } = globalThis as {
    __MSW_INTERCEPTORS_REGISTRY?: Map<symbol, { readyState?: unknown }>;
  };
  return registry instanceof Map && registry.get(socketInterceptor)?.readyState === 'ACTIVE';
}

/** undici's MockAgent, of any version. */
export interface MockAgent extends Pick<Dispatcher, 'dispatch'> {
  readonly isMockActive: boolean;
  disableNetConnect(): void;
}

/** Where undici keeps its global dispatcher: 5 and 6 in the first, 7 in both; 8 has a wrapper in the first. */
const first = Symbol.for('undici.globalDispatcher.1');
const second = Symbol.for('undici.globalDispatcher.2');

const dispatchers = globalThis as { [name: symbol]: Partial<MockAgent> | undefined };

/** The global dispatchers that were looked at last, and the MockAgent among them. */
let older: Partial<MockAgent> | undefined;
let newer: Partial<MockAgent> | undefined;
let mocking: MockAgent | undefined;

/** The global dispatcher of undici, of any copy of it, where that is an active MockAgent. */
export function activeMockAgent(): MockAgent | undefined {
  if (dispatchers[first] !== older || dispatchers[second] !== newer) {
    older = dispatchers[first];
    newer = dispatchers[second];
    mocking = [older, newer].find(isMockAgent);
  }
  return mocking?.isMockActive === true ? mocking : undefined;
}

/** By a method too: `isMockActive` alone may come from a polluted `Object.prototype`. */
function isMockAgent(dispatcher: Partial<MockAgent> | undefined): dispatcher is MockAgent {
  return dispatcher?.isMockActive !== undefined && typeof dispatcher.disableNetConnect === 'function';
}
