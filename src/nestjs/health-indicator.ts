/** A health indicator of the clients for `@nestjs/terminus`. */
import { Injectable } from '@nestjs/common';
import { type ClientsHealth, type HealthOptions, type HealthStatus, healthOfClients } from '../registry/health.js';
import type { HttpClients } from '../registry/http-clients.js';
import { InjectHttpClients } from './tokens.js';

/** Options of `isHealthy`: when a client counts as degraded, and which status is reported for it. */
export interface HttpClientHealthOptions extends HealthOptions {
  /**
   * Status reported for degraded clients. Default: `degraded`, which Terminus 12 answers with 200. Older versions
   * support only `up` and `down`: set `up` there.
   */
  degraded?: HealthStatus;
}

/** The status, and the reasons of each client that is not up. */
export interface HttpClientHealthResult {
  /** The common status of all clients, in the words of Terminus. */
  readonly status: HealthStatus;
  /** Reasons in plain text, by the name of a client or under `configuration`. */
  readonly [detail: string]: unknown;
}

/**
 * Reports the health of all clients: `health.check([() => clients.isHealthy('http')])`. It is `degraded` while a
 * circuit is open, a certificate expires soon or has expired, no endpoint is usable, or the configuration was rejected;
 * `down` once the clients are closed; else `up`. It suits readiness probes: a failing upstream never makes it `down`,
 * because taking this process out of service would not help. No request is sent.
 */
@Injectable()
export class HttpClientHealthIndicator {
  readonly #clients: HttpClients;

  /** Called by Nest. */
  constructor(@InjectHttpClients() clients: HttpClients) {
    this.#clients = clients;
  }

  /** Returns the health under `key`. It never rejects for bad health; `status` has the result. */
  async isHealthy<Key extends string>(
    key: Key,
    { degraded = 'degraded', ...options }: HttpClientHealthOptions = {},
  ): Promise<Record<Key, HttpClientHealthResult>> {
    const health = healthOfClients(this.#clients, options);
    const status = health.status === 'degraded' ? degraded : health.status;
    return { [key]: { status, ...reasonsOf(health) } } as Record<Key, HttpClientHealthResult>;
  }
}

function reasonsOf({ clients, config }: ClientsHealth): Record<string, readonly string[]> {
  const all = Object.entries({ ...clients, ...(config && { configuration: config }) });
  return Object.fromEntries(
    all.filter(([, { status }]) => status !== 'up').map(([name, { reasons }]) => [name, reasons]),
  );
}
