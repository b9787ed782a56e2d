/** Installs the stack on an existing axios instance, to migrate a codebase step by step. */
import { isDeepStrictEqual } from 'node:util';
import axios, { type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import { ErrorCode, PillionError } from '../call/errors.js';
import { harmless } from '../call/harmless.js';
import { defaultLogger, type Logger } from '../call/logger.js';
import { rememberingFields } from '../call/object-form.js';
import { ownOf, ownValue } from '../call/own.js';
import { processWide } from '../call/process-wide.js';
import { markOwnHeaders } from '../call/record.js';
import { textOf } from '../call/url.js';
import { badOptions } from '../options/options.js';
import { checkDeps } from './checked-deps.js';
import { isStack, openPolicies } from './client.js';
import { type HttpClientConfig, parseConfig } from './config/config.js';
import type { ClientHandle, CloseOptions, HttpClientDeps } from './http-client.js';

/** Options that belong to the axios instance. */
const owned = ['baseURL', 'headers', 'allowAbsoluteUrls', 'maxRedirects', 'proxy'] as const;

/**
 * `HttpClientConfig` without the options of the instance: `baseURL`, `headers`, `allowAbsoluteUrls`, `maxRedirects`,
 * `proxy`.
 */
export type InstancePoliciesConfig = Omit<HttpClientConfig, (typeof owned)[number]>;

/** `HttpClientDeps` without axios's defaults, because those of the instance stay. */
export type InstancePoliciesDeps = Omit<HttpClientDeps, 'axios'>;

/** The stack that is installed on an instance. */
export interface InstancePolicies extends ClientHandle {
  /**
   * Replaces the configuration; see `ClientHandle.update`.
   * @throws PillionError `ERR_CONFIG` for a bad configuration, or for options that belong to the instance
   */
  update(config: InstancePoliciesConfig): void;
  /**
   * The stack as an adapter, for a single call of another instance: `axios.get(url, { adapter: policies.adapter })`.
   */
  readonly adapter: AxiosAdapter;
}

/**
 * The part of an axios instance in use. Typed by shape, because axios has separate types for ES modules and CommonJS.
 */
export interface AxiosLike {
  /** Defaults that are read or replaced: `adapter`, the form class in `env`, and `baseURL` for endpoints. */
  defaults: { adapter?: unknown; baseURL?: string | undefined; env?: { FormData?: unknown } | undefined };
}

const installed = processWide('installed stacks', () => new WeakSet<AxiosAdapter>());

/**
 * Installs the stack on an existing axios instance, including the global `axios`. Its defaults, interceptors and
 * transforms stay and run once per call; its `timeout` bounds the whole call, in place of the default limits; proxies from the environment, redirects
 * and absolute URLs work as in axios. A single call bypasses the stack with `adapter: 'http'`. If the instance has its
 * own adapter (a mock, or a name such as `'fetch'`, with its `env.fetch`), that adapter becomes the wire; axios's
 * default list of adapters is replaced by the wire of this library. `close()` restores the former adapter.
 * @throws PillionError `ERR_CONFIG` for a bad configuration, for options that belong to the instance, and for an
 * instance that has a stack already
 */
export function usePolicies(
  instance: AxiosLike,
  config: InstancePoliciesConfig = {},
  deps: InstancePoliciesDeps = {},
): InstancePolicies {
  const { defaults } = instance;
  const former = ownValue(defaults, 'adapter');
  if ([former].flat().some((each) => installed.has(each as AxiosAdapter) || isStack(each as AxiosAdapter)))
    throw new PillionError(
      ErrorCode.CONFIG,
      'usePolicies: this axios instance has a stack of policies already; close that one first, or call its update().',
    );
  const own = ownOf(deps);
  checkInstanceDeps(own);
  const wire = own.transport ?? wireOf(former);
  if (wire !== undefined && typeof former !== 'function') warnOfIdentity(config, own);
  const { adapter: stack, handle } = openPolicies(
    parseConfig(completed(config, instance, own)),
    { ...own, ...(wire && { transport: wire }) },
    defaults,
  );
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
 * The wire for an instance's adapter, by axios's rules a function, a name or names in order of preference. Undefined
 * for axios's default list, which the wire of this library replaces.
 */
function wireOf(adapter: unknown): AxiosAdapter | undefined {
  if (typeof adapter === 'function') return adapter as AxiosAdapter;
  if (!adapter || isDeepStrictEqual(adapter, standard)) return undefined;
  // Resolved for each request, because the request's `env` may replace `fetch`.
  return (request) => axios.getAdapter(adapter as AxiosAdapter[], request)(request);
}

/**
 * Warns that the instance's adapter ignores TLS options: the user would otherwise rely on checks that do not happen.
 */
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
  'usePolicies: the instance names an adapter, which becomes the wire, so these sections have no effect; remove the adapter from the instance.';

/** axios's default list of adapters, of which Node uses `http`; an instance with this list has made no choice. */
const standard = ['xhr', 'http', 'fetch'];

/**
 * Makes forms that axios creates from objects repeatable, so that they can be retried; returns a function that undoes
 * it.
 */
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

/** Adds the instance's `baseURL`, which only endpoints and discovery need. */
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

/** @throws PillionError `ERR_CONFIG` for dependencies that have no effect, among them axios's defaults */
function checkInstanceDeps({ axios: defaults, ...deps }: HttpClientDeps): void {
  checkDeps(deps, 'usePolicies');
  if (defaults === undefined) return;
  throw badOptions(
    [{ path: ['deps', 'axios'], message: 'belongs to the axios instance; set it there' }],
    'usePolicies',
  );
}

/** The error for options that belong to the instance, with all other faults of the configuration. */
function refusal(config: InstancePoliciesConfig, refused: readonly string[]): unknown {
  const message = 'belongs to the axios instance; set it there';
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
  const why = `usePolicies: set ${refused.join(', ')} on the axios instance, not in the configuration of the stack.`;
  return new PillionError(ErrorCode.CONFIG, why, undefined, { faults });
}

/** The adapter that axios calls: prepares the config of a call and passes it to the stack. */
function entrance(stack: AxiosAdapter, defaults: object, logger: Logger | undefined): AxiosAdapter {
  let warned = false;
  return (request) => {
    // axios-retry leaves this property on every call of an instance where it is installed.
    if (!warned && Object.hasOwn(request, 'axios-retry')) {
      warned = true;
      harmless(() => (logger ?? defaultLogger()).warn({}, doubled));
    }
    const config = ownOf(request);
    // axios's own default: calls may go to any origin.
    config.allowAbsoluteUrls ??= true;
    markOwnHeaders(config, namedByCall(config.headers, defaults));
    return stack(config);
  };
}

const doubled =
  'axios-retry is installed on this axios instance too: each of its retries is a call that the stack retries again. Remove axios-retry, or set retry to false.';

/** Names of the headers that differ from the defaults of the instance, so the call itself has set them. */
function namedByCall(headers: InternalAxiosRequestConfig['headers'], defaults: object): string[] {
  const values = new Map<string, unknown>();
  const standing = (ownValue(defaults, 'headers') ?? {}) as Record<string, unknown>;
  for (const [name, value] of Object.entries(standing))
    for (const [inner, each] of typeof value === 'object' ? Object.entries(value ?? {}) : [[name, value] as const])
      values.set(inner.toLowerCase(), each);
  return Object.keys(headers).filter((name) => values.get(name.toLowerCase()) !== headers[name]);
}
