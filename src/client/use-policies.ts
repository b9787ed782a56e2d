/** The stack on an axios instance that somebody else made: for moving a codebase over step by step. */
import { isDeepStrictEqual } from 'node:util';
import axios, { type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import { ErrorCode, PillionError } from '../call/errors.js';
import { harmless } from '../call/harmless.js';
import { defaultLogger, type Logger } from '../call/logger.js';
import { rememberingFields } from '../call/object-form.js';
import { ownOf, ownValue } from '../call/own.js';
import { markOwnHeaders } from '../call/record.js';
import { textOf } from '../call/url.js';
import { badOptions } from '../options/options.js';
import { type ClientHandle, type CloseOptions, type HttpClientDeps, isStack, openPolicies } from './client.js';
import { type HttpClientConfig, parseConfig } from './config/config.js';

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
  /** What is read and put there: `adapter`, the class of forms in `env`, and `baseURL` for endpoints. */
  defaults: { adapter?: unknown; baseURL?: string | undefined; env?: { FormData?: unknown } | undefined };
}

const installed = new WeakSet<AxiosAdapter>();

/**
 * Puts the stack behind an existing instance, also the global `axios`. Its defaults, interceptors and transforms stay as
 * they are and run once per call; its `timeout` bounds the whole call; a proxy of the environment, redirects and absolute URLs are
 * as axios has them. A single call goes past the stack with `adapter: 'http'`. An adapter of the instance's own (a mock, or names
 * such as `'fetch'`, with its `env.fetch`) becomes the wire; axios's own list of names becomes the wire of this library. `close()` gives the instance its former adapter back.
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
  if ([former].flat().some((each) => installed.has(each as AxiosAdapter) || isStack(each as AxiosAdapter)))
    throw new PillionError(ErrorCode.CONFIG, 'usePolicies: this instance has a stack of policies already.');
  const own = ownOf(deps);
  const wire = own.transport ?? wireOf(former);
  if (wire !== undefined && typeof former !== 'function') warnOfIdentity(config, own);
  const { adapter: stack, handle } = openPolicies(parseConfig(completed(config, instance, own)), {
    ...own,
    ...(wire && { transport: wire }),
  });
  const adapter = entrance(stack, defaults, own.logger);
  installed.add(adapter);
  defaults.adapter = adapter;
  const forget = rememberForms(defaults);
  const { update, close } = handle;
  const leave = (options?: CloseOptions) => {
    if (defaults.adapter === adapter) restore(defaults, former);
    forget();
    return close(options);
  };
  return Object.assign(handle, {
    adapter,
    update: (next: InstancePoliciesConfig) => update(completed(next, instance, own)),
    close: leave,
    [Symbol.asyncDispose]: () => leave(),
  });
}

/**
 * What the instance names becomes the wire, by axios's rules: a function, or names in order of preference. In place of axios's
 * own list of names there is the wire of this library.
 */
function wireOf(adapter: unknown): AxiosAdapter | undefined {
  if (typeof adapter === 'function') return adapter as AxiosAdapter;
  if (!adapter || isDeepStrictEqual(adapter, standard)) return undefined;
  // Anew for each request: `env` says what `fetch` is.
  return (request) => axios.getAdapter(adapter as AxiosAdapter[], request)(request);
}

/** Nobody shall believe that a server is checked, or a certificate shown, by a wire that knows of neither. */
function warnOfIdentity(
  { tls, allowH2 }: InstancePoliciesConfig,
  { identity, transport, logger }: InstancePoliciesDeps,
): void {
  const given = Object.entries({ tls, allowH2, identity }).filter(([, value]) => Boolean(value));
  if (given.length === 0 || transport !== undefined) return;
  const sections = given.map(([name]) => name);
  harmless(() => (logger ?? defaultLogger()).warn({ sections }, named));
}

const named =
  'usePolicies: the instance names an adapter, which is the wire, so these sections have no effect; take the name away.';

/** axios's default, of which Node has the second: nobody has chosen it. */
const standard = ['xhr', 'http', 'fetch'];

/** A form that axios makes of an object can be sent again; the function returned takes that back. */
function rememberForms(defaults: AxiosLike['defaults']): () => void {
  const { env } = defaults;
  if (!env) return () => {};
  const own = { ...env, FormData: rememberingFields(env.FormData) };
  defaults.env = own;
  return () => {
    if (defaults.env === own) defaults.env = env;
  };
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
  const refused = owned.filter((name) => name in ownOf(config));
  if (refused.length > 0) throw refusal(config, refused);
  const balanced = ownValue(config, 'endpoints') !== undefined || deps.discovery !== undefined;
  const baseURL = ownValue(defaults, 'baseURL');
  return balanced && baseURL !== undefined ? { ...config, baseURL: textOf(baseURL) } : config;
}

/** Options of the instance, and what else is wrong. */
function refusal(config: InstancePoliciesConfig, refused: readonly string[]): unknown {
  const message = 'set it on the axios instance; it is not an option of the stack';
  const faults = refused.map((name) => ({ path: name, message }));
  try {
    const rest = Object.fromEntries(Object.entries(config).filter(([name]) => !refused.includes(name)));
    parseConfig(rest, false);
  } catch (error) {
    const more = (error as PillionError).faults ?? [];
    return badOptions(
      [...faults, ...more].map(({ path, ...fault }) => ({ path: [path], ...fault })),
      'usePolicies',
    );
  }
  const why = `usePolicies: set ${refused.join(', ')} on the axios instance; it is not an option of the stack.`;
  return new PillionError(ErrorCode.CONFIG, why, undefined, { faults });
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
