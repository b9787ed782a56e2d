/** A health indicator of the clients for `@nestjs/terminus`. */
import { Inject, Injectable, Optional } from '@nestjs/common';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { ClientHandle } from '../client/http-client.js';
import type { ClientSet } from '../registry/client-set.js';
import { type ClientsHealth, type HealthOptions, type HealthStatus, healthOfClients } from '../registry/health.js';
import type { HttpClients } from '../registry/http-clients.js';
import { getHttpClientsToken, getHttpModuleClientsToken } from './tokens.js';

/** Options of `isHealthy`: when a client counts as degraded, and which status is reported for it. */
export interface HttpClientHealthOptions<Degraded extends HealthStatus = HealthStatus> extends HealthOptions {
  /**
   * Status reported for degraded clients. Default: `up`, with the reasons in the details. Set `degraded` with Terminus
   * 12, which answers it with 200; older versions leave out the result of an indicator that says so.
   */
  degraded?: Degraded;
  /**
   * `true`: reject where the clients are down, as Terminus 10 expects it; it reads no status. Terminus 12 would answer
   * 500 instead of 503. Default: false.
   */
  throwIfDown?: boolean;
}

/** The status, and the reasons of each client that is not up. */
export interface HttpClientHealthResult<Status extends HealthStatus = HealthStatus> {
  /** The common status of all clients, in the words of Terminus. */
  readonly status: Status;
  /** Reasons in plain text, by the name of a client or under `configuration`. */
  readonly [detail: string]: unknown;
}

/**
 * Reports the health of all clients of `HttpClientModule` and of all stacks of `HttpModule`:
 * `health.check([() => clients.isHealthy('http')])`. They are degraded while a circuit is open, a certificate expires
 * soon or has expired, no endpoint is usable, or the configuration was rejected; `down` once one is closed; else `up`. It
 * suits readiness probes: a failing upstream never makes it `down`, because taking this process out of service would not
 * help. No request is sent.
 */
@Injectable()
export class HttpClientHealthIndicator {
  readonly #clients: () => ClientSet;

  /**
   * Called by Nest.
   * @throws PillionError `ERR_CONFIG` where the application has neither `HttpClientModule.forRoot` nor an `HttpModule`
   */
  constructor(
    @Optional() @Inject(getHttpClientsToken()) registry?: HttpClients,
    @Optional() @Inject(getHttpModuleClientsToken()) stacks?: readonly ClientHandle[],
  ) {
    if (registry === undefined && stacks === undefined) throw nothingToReport();
    // Made anew for each check, because a module that is loaded later adds its stack.
    this.#clients = () =>
      stacks === undefined ? (registry as HttpClients) : [...(registry ? [registry] : []), ...stacks];
  }

  /**
   * Returns the health under `key`. It does not reject for bad health, unless `throwIfDown` says so; `status` has the
   * result.
   */
  async isHealthy<Key extends string, Degraded extends HealthStatus = 'up'>(
    key: Key,
    { degraded = 'up' as Degraded, throwIfDown = false, ...options }: HttpClientHealthOptions<Degraded> = {},
  ): Promise<Record<Key, HttpClientHealthResult<'up' | 'down' | Degraded>>> {
    const health = healthOfClients(this.#clients(), options);
    const status = health.status === 'degraded' ? degraded : health.status;
    const result = { [key]: { status, ...reasonsOf(health) } };
    // What Terminus 10 and 11 recognize as a failed check.
    if (status === 'down' && throwIfDown)
      throw Object.assign(new Error(`${key} is down`), { isHealthCheckError: true, causes: result });
    return result as Record<Key, HttpClientHealthResult<'up' | 'down' | Degraded>>;
  }
}

function reasonsOf({ clients, config }: ClientsHealth): Record<string, readonly string[]> {
  const all = Object.entries({ ...clients, ...(config && { configuration: config }) });
  return Object.fromEntries(
    all.filter(([, { status }]) => status !== 'up').map(([name, { reasons }]) => [name, reasons]),
  );
}

function nothingToReport(): PillionError {
  const message =
    'HttpClientHealthIndicator has no clients to report: import HttpClientModule.forRoot or HttpModule in a module of the application.';
  return new PillionError(ErrorCode.CONFIG, message);
}
