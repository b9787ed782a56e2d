/** The shape of a client: its dependencies, its methods, its `fetch`. */
import type { AxiosAdapter, AxiosInstance, CreateAxiosDefaults } from 'axios';
import type { ClientEventName, ForcedCircuit, Listener } from '../call/events.js';
import type { Logger } from '../call/logger.js';
import type { Duration } from '../options/duration.js';
import type { Discovery } from '../policies/endpoints/discovery.js';
import type { Policy } from '../policies/policy.js';
import type { RetryDeps } from '../policies/retries/retry-functions.js';
import type { HttpClientConfig } from './config/config.js';
import type { HttpFetch } from './fetch/fetch.js';
import type { Identity } from './shared-identity.js';
import type { HttpClientStats } from './stats.js';

// Both files add options to axios's types; without these imports the published declarations would lack them.
import '../policies/retries/retry-plan.js';
import '../policies/timeouts/call-timeouts.js';

/** Dependencies of a client: code, such as a logger, that a configuration file cannot hold. */
export interface HttpClientDeps {
  /** Replaces the wire: any `AxiosAdapter`, called once per attempt below all policies. Default: undici. */
  transport?: AxiosAdapter;
  /**
   * A pino logger, or any logger of its shape. Default: lines go to stderr from the level in the environment variable
   * `LOG_LEVEL` on, `warn` by default.
   */
  logger?: Logger;
  /**
   * Further axios defaults, such as transforms, serializers and `validateStatus`; without those that the configuration
   * sets.
   */
  axios?: Omit<CreateAxiosDefaults, 'adapter' | 'baseURL' | 'proxy' | 'maxRedirects' | 'allowAbsoluteUrls'>;
  /** Returns a number in [0, 1), for jitter, sampling and random choices. Default: `Math.random`. */
  random?: () => number;
  /**
   * A certificate and key made by `createIdentity`, shared with other clients and servers; replaces `tls.cert`, `key`,
   * `pfx` and `ca`.
   */
  identity?: Identity;
  /** Your own source of endpoints, which replaces the `endpoints` section; it needs a `baseURL`. */
  discovery?: Discovery;
  /**
   * Functions that take part in retries, with axios-retry's names, such as `onRetry` and `retryCondition`. A call's own
   * `retry` may replace each; where `retry` is false none has an effect. Default: none.
   */
  retry?: RetryDeps;
  /** Policies that run once per call, outside `deadline`. */
  perCall?: readonly Policy[];
  /** Policies that run once per attempt, right outside the span of the attempt. */
  perAttempt?: readonly Policy[];
}

/** Options of `close`. */
export interface CloseOptions {
  /** Time that calls in flight have to finish before they are aborted with `ERR_CLOSED`, in milliseconds or as a string. Default: 10s. */
  grace?: Duration;
}

/** Options of `forceCircuit`. */
export interface ForceOptions {
  /** Who or what forces the circuits, at most 200 characters, for the log line, `stats()` and the event. Default: not told. */
  by?: string;
  /**
   * Time after which the circuits go back to `auto` by themselves, in milliseconds or as a string, 1 ms to 24 h. Default:
   * the state holds until `forceCircuit` is called again.
   */
  for?: Duration;
}

/** The methods to operate a client: `update`, `close`, `stats`, `forceCircuit` and `on`. */
export interface ClientHandle extends AsyncDisposable {
  /**
   * Replaces the configuration. Policies whose options stay the same keep their state; calls in flight finish under the
   * configuration they began with. The client's name stays the same, whatever the new configuration says.
   * @throws PillionError `ERR_CONFIG` for a bad configuration, in which case the old one stays; `ERR_CLOSED` after
   * `close`
   */
  update(config: HttpClientConfig): void;
  /**
   * Rejects new calls with `ERR_CLOSED`, waits for calls in flight and aborts those that outlast `grace`; then closes
   * all connections and timers. Resolves once that is done; further calls return the same promise.
   */
  close(options?: CloseOptions): Promise<void>;
  /** Counters and the stats of each policy, as plain JSON; a new object each time. */
  stats(): HttpClientStats;
  /**
   * Forces the circuits of all destinations into a state until it is called again: `open` rejects every attempt with
   * `ERR_CIRCUIT_OPEN`, `closed` admits every attempt, `auto` returns to the outcomes. Outcomes do not count while a
   * state is forced. The state survives updates. Each call writes a log line.
   * @throws PillionError `ERR_CONFIG` where `circuitBreaker` is false, for any other state, or for bad options
   */
  forceCircuit(state: ForcedCircuit, options?: ForceOptions): void;
  /**
   * Adds a listener for an event and returns a function that removes it. An exception in a listener never affects a
   * call.
   */
  on<Name extends ClientEventName>(event: Name, listener: Listener<Name>): () => void;
  /** The names of the policies in the stack, outermost first. */
  readonly pipeline: readonly string[];
}

/** An axios instance whose calls go through the stack of policies. */
export interface HttpClient extends AxiosInstance, ClientHandle {
  /**
   * A WHATWG `fetch` over the same stack, for SDKs that accept one; it can be passed around without the client. A
   * relative URL is appended to `baseURL`; another origin is rejected unless `allowAbsoluteUrls` is set. Any status
   * resolves; a call that the stack rejects or that fails is a `TypeError` whose `cause` is the error of an axios call.
   * At most 20 redirects are followed, regardless of `maxRedirects`. The configured `headers` are sent; axios's
   * interceptors, transforms and defaults do not apply. `timeouts.total` bounds the body too: set it to `false` for
   * streams without end. Options that only concern browsers, such as `cache`, `credentials` and `mode`, are ignored.
   */
  fetch: HttpFetch;
}
