/** Creates an HTTP client: an axios instance whose adapter is the stack, with `update`, `close` and `stats`. */
import type { AxiosAdapter } from 'axios';
import { ownOf } from '../call/own.js';
import { processWide } from '../call/process-wide.js';
import { createInstance } from './axios/instance.js';
import { checkDeps } from './checked-deps.js';
import { type Config, type HttpClientConfig, parseConfig } from './config/config.js';
import { createFetch } from './fetch/fetch.js';
import type { ClientHandle, HttpClient, HttpClientDeps } from './http-client.js';
import { checkIdentity } from './shared-identity.js';
import { ClientState, type PreparedUpdate, readsFiles } from './state.js';

/**
 * Creates a client. With `{ baseURL }` alone the standard stack is on: tracing, logging, deadline, retry, limits,
 * circuit breaker and timeout.
 * @throws PillionError `ERR_CONFIG` with every fault of `config` in `faults`
 */
export function createHttpClient(config: HttpClientConfig = {}, deps: HttpClientDeps = {}): HttpClient {
  return openClient(parseConfig(config, readsFiles(deps)), deps).client;
}

/** A client, with `prepare` to change its configuration together with those of other clients. */
export interface OpenClient {
  readonly client: HttpClient;
  readonly config: Config;
  /** @throws PillionError `ERR_CONFIG` for material or options that cannot be used */
  prepare(config: Config): PreparedUpdate;
}

/** Creates a client from a configuration that is already parsed. */
export function openClient(config: Config, given: HttpClientDeps): OpenClient {
  checkDeps(given, `the HTTP client "${config.name}"`);
  const deps = ownOf(given);
  const { state, handle } = openStack(config, deps);
  const { instance, defaults } = createInstance(deps.axios ?? {}, state);
  state.attach(defaults);
  const fetch = createFetch(state.adapter, () => state.config);
  const client = Object.defineProperties(Object.assign(instance, { fetch }), descriptorsOf(handle)) as HttpClient;
  opened.set(client, state);
  return {
    client,
    get config() {
      return state.config;
    },
    prepare: (next) => state.prepare(next),
  };
}

/** Creates a stack as an adapter for an axios instance with these defaults, which somebody else made. */
export function openPolicies(
  config: Config,
  deps: HttpClientDeps,
  defaults: object,
): { adapter: AxiosAdapter; handle: ClientHandle } {
  const { state, handle } = openStack(config, ownOf(deps));
  state.standBehind(defaults);
  opened.set(handle, state);
  return { adapter: state.adapter, handle };
}

function openStack(config: Config, deps: HttpClientDeps): { state: ClientState; handle: ClientHandle } {
  checkIdentity(deps.identity);
  const state = new ClientState(config, deps);
  stacks.add(state.adapter);
  const handle: ClientHandle = {
    update: (next) => state.update(next),
    close: (options) => state.close(options),
    stats: () => state.stats(),
    forceCircuit: (forced, options) => state.forceCircuit(forced, options),
    on: state.events.on.bind(state.events),
    get pipeline() {
      return state.pipeline.names;
    },
    [Symbol.asyncDispose]: () => state.close(),
  };
  return { state, handle };
}

const stacks = processWide('stacks', () => new WeakSet<AxiosAdapter>());

/** True for the adapter of a client, or of an instance made from one. */
export function isStack(adapter: AxiosAdapter): boolean {
  return stacks.has(adapter);
}

/** Copies getters as getters, because `pipeline` changes with an update. */
const descriptorsOf = Object.getOwnPropertyDescriptors;

/** The stack of a client, and the configuration in force. */
export interface Stack {
  readonly config: Config;
  readonly adapter: AxiosAdapter;
}

const opened = processWide('opened clients', () => new WeakMap<ClientHandle, Stack>());

/** Undefined for an object that this library did not create. */
export function stackOf(client: ClientHandle): Stack | undefined {
  return opened.get(client);
}

/** The configuration in force; undefined for an object that this library did not create. */
export function configOf(client: ClientHandle): Config | undefined {
  return opened.get(client)?.config;
}
