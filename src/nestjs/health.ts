/** The clients' health as `@nestjs/terminus` takes it. */
import { Injectable } from '@nestjs/common';
import { type ClientsHealth, type HealthOptions, type HealthStatus, healthOfClients } from '../registry/health.js';
import type { HttpClients } from '../registry/registry.js';
import { InjectHttpClients } from './tokens.js';

/** What counts as degraded, and how that is told. */
export interface HttpClientHealthOptions extends HealthOptions {
  /** What degraded is told as: Terminus 12 knows `degraded` (200), older versions only `up` and `down`. `degraded` by default. */
  degraded?: HealthStatus;
}

/** `status` and, of each client that is not up, why. */
export interface HttpClientHealthResult {
  /** As Terminus wants it. */
  readonly status: HealthStatus;
  /** By the name of a client, or `configuration`: the reasons, in words. */
  readonly [detail: string]: unknown;
}

/**
 * `health.check([() => clients.isHealthy('http')])`: up; degraded while a circuit is open, a certificate is near its end or past it, no
 * endpoint is usable or the configuration was refused; down once the clients are closed. It is made
 * for readiness probes: an upstream that fails never makes it down, since taking this process out of service would mend nothing.
 * Nothing is sent.
 */
@Injectable()
export class HttpClientHealthIndicator {
  readonly #clients: HttpClients;

  /** Called by Nest. */
  constructor(@InjectHttpClients() clients: HttpClients) {
    this.#clients = clients;
  }

  /** The health under `key`. It resolves whatever the health is: `status` tells. */
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
