/** The stack on an axios instance that somebody else made: for moving a codebase over step by step. */
import axios, { type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import { markOwnHeaders } from './call.js';
import { type ClientHandle, type CloseOptions, type HttpClientDeps, isStack, openPolicies } from './client.js';
import { type HttpClientConfig, parseConfig } from './config/schema.js';
import { ErrorCode, PillionError } from './errors.js';
import { harmless } from './harmless.js';
import { defaultLogger, type Logger } from './logger.js';
import { ownOf, ownValue } from './own.js';
import { textOf } from './url.js';

/** Options that the instance itself has. */
const owned = ['baseURL', 'headers', 'allowAbsoluteUrls', 'maxRedirects', 'proxy'] as const;

/** As `HttpClientConfig`, without what the instance says itself: `baseURL`, `headers`, `allowAbsoluteUrls`, `maxRedirects`, `proxy`. */
export type InstancePoliciesConfig = Omit<HttpClientConfig, (typeof owned)[number]>;

/** As `HttpClientDeps`, without axios's defaults: those of the instance stay. */
export type InstancePoliciesDeps = Omit<HttpClientDeps, 'axios'>;

/** The stack that was put behind an instance. */
export interface InstancePolicies extends ClientHandle {
  /** @throws PillionError `ERR_CONFIG`, also for options that the instance has itself */
  update(config: InstancePoliciesConfig): void;
  /** The stack as an adapter, for a single call of another instance: `axios.get(url, { adapter: policies.adapter })`. */
  readonly adapter: AxiosAdapter;
}

/** What is needed of an axios instance: by shape, for axios has its types twice, for ES modules and for CommonJS. */
export interface AxiosLike {
  /** What is read and put there: `adapter`, and `baseURL` for endpoints. */
  defaults: { adapter?: unknown; baseURL?: string | undefined };
}

const installed = new WeakSet<AxiosAdapter>();

/**
 * Puts the stack behind an existing instance, also the global `axios`. Its defaults, interceptors and transforms stay as
 * they are and run once per call; its `timeout` bounds the whole call; a proxy of the environment, redirects and absolute URLs are
 * as axios has them. A single call goes past the stack with `adapter: 'http'`. An adapter of the instance's own (a mock's, say)
 * becomes the wire. `close()` gives the instance its former adapter back.
 * @throws PillionError `ERR_CONFIG` for a bad configuration, options that the instance has itself, and an instance that has the
 * stack already
 */
export function usePolicies(
  instance: AxiosLike,
  config: InstancePoliciesConfig = {},
  deps: InstancePoliciesDeps = {},
): InstancePolicies {
  const { defaults } = instance;
  const former = ownValue(defaults, 'adapter');
  if (typeof former === 'function' && (installed.has(former as AxiosAdapter) || isStack(former as AxiosAdapter)))
    throw new PillionError(ErrorCode.CONFIG, 'usePolicies: this instance has a stack of policies already.');
  const own = ownOf(deps);
  const wire = own.transport ?? wireOf(former);
  const { adapter: stack, handle } = openPolicies(parseConfig(completed(config, instance, own)), {
    ...own,
    ...(wire && { transport: wire }),
  });
  const adapter = entrance(stack, defaults, own.logger);
  installed.add(adapter);
  defaults.adapter = adapter;
  const { update, close } = handle;
  const leave = (options?: CloseOptions) => {
    if (defaults.adapter === adapter) restore(defaults, former);
    return close(options);
  };
  return Object.assign(handle, {
    adapter,
    update: (next: InstancePoliciesConfig) => update(completed(next, instance, own)),
    close: leave,
    [Symbol.asyncDispose]: () => leave(),
  });
}

/** An adapter of the caller's own, or one that axios has under a name and this library does not stand in for. */
function wireOf(adapter: unknown): AxiosAdapter | undefined {
  if (typeof adapter === 'function') return adapter as AxiosAdapter;
  return adapter === 'fetch' ? axios.getAdapter('fetch') : undefined;
}

function restore(defaults: AxiosLike['defaults'], former: unknown): void {
  if (former === undefined) delete defaults.adapter;
  else defaults.adapter = former;
}

/** Only endpoints need to know which server they are. */
function completed(
  config: InstancePoliciesConfig,
  { defaults }: AxiosLike,
  deps: InstancePoliciesDeps,
): HttpClientConfig {
  const [option] = owned.filter((name) => name in ownOf(config));
  if (option !== undefined)
    throw new PillionError(
      ErrorCode.CONFIG,
      `usePolicies: set ${option} on the axios instance; it is not an option of the stack.`,
    );
  const balanced = ownValue(config, 'endpoints') !== undefined || deps.discovery !== undefined;
  const baseURL = ownValue(defaults, 'baseURL');
  return balanced && baseURL !== undefined ? { ...config, baseURL: textOf(baseURL) } : config;
}

/** Where calls come in from axios. */
function entrance(stack: AxiosAdapter, defaults: object, logger: Logger | undefined): AxiosAdapter {
  let warned = false;
  return (request) => {
    // Left by axios-retry on every call of its instance.
    if (!warned && Object.hasOwn(request, 'axios-retry')) {
      warned = true;
      harmless(() => (logger ?? defaultLogger()).warn({}, doubled));
    }
    const config = ownOf(request);
    // axios lets calls go anywhere unless told otherwise.
    config.allowAbsoluteUrls ??= true;
    markOwnHeaders(config, namedByCall(config.headers, defaults));
    return stack(config);
  };
}

const doubled =
  'axios-retry is installed on this axios instance too: each of its retries is a call with retries of its own. Take it away, or set retry to false.';

/** The headers that are not as the defaults of the instance have them. */
function namedByCall(headers: InternalAxiosRequestConfig['headers'], defaults: object): string[] {
  const values = new Map<string, unknown>();
  const standing = (ownValue(defaults, 'headers') ?? {}) as Record<string, unknown>;
  for (const [name, value] of Object.entries(standing))
    for (const [inner, each] of typeof value === 'object' ? Object.entries(value ?? {}) : [[name, value] as const])
      values.set(inner.toLowerCase(), each);
  return Object.keys(headers).filter((name) => values.get(name.toLowerCase()) !== headers[name]);
}
