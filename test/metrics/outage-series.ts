/** An hour and a half of a fleet in virtual time, with an outage in it, scraped each minute as Prometheus would do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { createHttpClient, createIdentity, type HttpClientConfig, type HttpClientDeps, loadHttpClients } from 'pillion';
import { createPrometheus, recordMetrics } from 'pillion/metrics';
import { createMockTransport, outage, type Reply, type Script } from 'pillion/testing';
import { vi } from 'vitest';
import { seeded } from '../../src/policies/traffic/random.js';
import { silent } from '../support/client.js';
import { dated, day, hour, minute } from '../transport/tls/dated.js';
import type { Pair } from '../transport/tls/stores.js';
import { exposition } from './exposition.js';

/** Minutes from the start. */
export const begins = 15;
export const ends = 60;
export const length = 95;

/** The values of a series, one for each minute; undefined where it was not there. */
export type SeriesValues = Map<string, (number | undefined)[]>;

/** What Prometheus has after scraping the text of `createPrometheus`, and that of the SDK's Prometheus exporter. */
export interface Scraped {
  readonly own: SeriesValues;
  readonly sdk: SeriesValues;
  /** The texts of the last scrape. */
  readonly texts: { readonly own: string; readonly openMetrics: string };
}

const failing = (failure: Reply): Script => [
  { path: /./, reply: outage({ from: begins * minute, to: ends * minute, failure, otherwise: { delay: 20 } }) },
];

/** To be run with a stopped clock; certificates are written to `folder`. */
export async function scrapeAnOutage(folder: string): Promise<Scraped> {
  const now = Date.now();
  const closing: (() => unknown)[] = [];
  const timers = new Map<string, NodeJS.Timeout>();
  const random = seeded(1);
  /** A client with a call every 1.9 s, so that scrapes meet its circuit in all its phases. */
  const busy = (name: string, script: Script, config: HttpClientConfig = {}, deps: HttpClientDeps = {}) => {
    const transport = createMockTransport(script);
    const client = createHttpClient(
      { name, baseURL: `https://${name}.test`, ...config },
      { transport, logger: silent, random, ...deps },
    );
    timers.set(
      name,
      setInterval(() => void client.get('/', { routeName: '/' }).catch(() => {}), 1900),
    );
    closing.push(() => client.close({ grace: 0 }));
    return client;
  };
  const identity = async (name: string, from: number, to: number) => {
    const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
    const put = ({ cert, key }: Pair) => {
      writeFileSync(files.cert, cert);
      writeFileSync(files.key, key);
    };
    put(await dated(name, from, to));
    const made = createIdentity({ ...files, reload: false }, { logger: silent });
    closing.push(() => made.close());
    return { made, put };
  };

  const ledger = await identity('ledger', now - 80 * day, now + 10 * day);
  const vault = await identity('vault', now - 88 * day, now + 2 * day);
  const mesh = await identity('mesh', now - 12 * hour, now + 12 * hour);
  const off = { retry: false, circuitBreaker: false } as const;
  const idle = busy('idle', failing(503), { circuitBreaker: { volumeThreshold: 5 }, retry: false });
  const clients = [
    busy('fine', [{ path: /./, reply: { delay: 20 } }]),
    busy('billing', failing(503), { circuitBreaker: { volumeThreshold: 5 } }),
    busy('payments', failing(503), { circuitBreaker: false, retry: { budget: { ratio: 0, minPerSecond: 0.1 } } }),
    busy('orders', failing('hang'), { circuitBreaker: { volumeThreshold: 3 }, retry: false }),
    idle,
    busy('search', failing({ delay: 3000 }), { ...off, timeouts: { attempt: '5s' } }),
    busy('stock', failing({ delay: 3000 }), {
      ...off,
      timeouts: { attempt: '5s' },
      limits: { maxRequests: 1, maxPendingRequests: 0 },
    }),
    busy('users', failing(503), {
      ...off,
      endpoints: { static: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }] },
      healthCheck: { path: '/healthz' },
      outlierDetection: {},
    }),
    busy(
      'extras',
      [
        { path: /./, match: ({ url }: { url: string }) => url.includes('shadow'), reply: { delay: 3000 } },
        { path: /./, reply: { delay: 100 } },
      ] satisfies Script,
      {
        hedging: { delay: '50ms', budget: 0.25 },
        mirror: [{ baseURL: 'https://shadow.test', maxConcurrent: 1 }],
        fault: { delay: { duration: '1ms' } },
        rateLimit: { requests: 1, per: '500ms', maxPending: 1 },
        adaptiveConcurrency: {},
      },
      {
        discovery: {
          watch: (update, failed) => {
            update([{ address: '10.0.0.3:80' }]);
            const timer = setInterval(() => failed(new Error('lookup failed')), 30_000);
            return () => clearInterval(timer);
          },
        },
      },
    ),
  ];
  // A scripted wire has no certificates, so these have a real one, and make no calls.
  for (const [name, { made }] of Object.entries({ ledger, vault, mesh })) {
    const client = createHttpClient({ name, baseURL: `https://${name}.test` }, { identity: made, logger: silent });
    clients.unshift(client);
    closing.push(() => client.close());
  }
  let refused = false;
  const registry = loadHttpClients(
    { name: 'clients.yaml', load: () => ({ clients: { reports: refused ? { nonsense: 1 } : {} } }) },
    { transport: createMockTransport([{ reply: 200 }]), logger: silent },
  );
  closing.push(() => registry.close());

  const all = [...clients, registry];
  const prometheus = createPrometheus(all);
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const stop = recordMetrics(all, { meterProvider });
  closing.push(prometheus.close, stop, () => meterProvider.shutdown());

  const at: Record<number, () => unknown> = {
    5: () => clients[0]?.forceCircuit('open', { by: 'alice' }),
    [begins]: () => {
      refused = true;
      return registry.refresh();
    },
    17: () => clearInterval(timers.get('idle')),
    20: async () => {
      ledger.put({ cert: 'garbage', key: 'garbage' });
      ledger.made.refresh();
    },
    30: async () => {
      vault.put(await dated('vault', now, now + 90 * day));
      vault.made.refresh();
    },
    [ends]: () => {
      refused = false;
      return registry.refresh();
    },
    70: () => clients[0]?.forceCircuit('auto'),
    80: async () => {
      ledger.put(await dated('ledger', now, now + 90 * day));
      ledger.made.refresh();
    },
  };
  const own: SeriesValues = new Map();
  const sdk: SeriesValues = new Map();
  const texts = { own: '', openMetrics: '' };
  for (let time = 0; time <= length; time++) {
    await at[time]?.();
    // More than the rate limit lets through at once, now and then.
    if (time % 6 === 0)
      for (let call = 0; call < 4; call++)
        clients
          .at(-1)
          ?.get('/')
          .catch(() => {});
    texts.own = prometheus.text();
    texts.openMetrics = prometheus.scrape('application/openmetrics-text').text;
    const { resourceMetrics } = await reader.collect();
    noteScrape(own, texts.own, time);
    noteScrape(sdk, new PrometheusSerializer().serialize(resourceMetrics), time);
    await vi.advanceTimersByTimeAsync(minute);
  }
  for (const timer of timers.values()) clearInterval(timer);
  const closed = Promise.all(closing.map((close) => close()));
  await vi.advanceTimersByTimeAsync(minute);
  await closed;
  return { own, sdk, texts };
}

/** Adds the samples of a scrape, with the labels of the target. */
export function noteScrape(series: SeriesValues, text: string, time: number): void {
  // Strict about our own text; the SDK's has further lines for OpenMetrics.
  const readable = text.replace(/^# UNIT .*\n/gm, '').replace(/^((?:# \w+ )?target_info).*\n/gm, '');
  for (const { name, labels, value } of exposition(readable.endsWith('\n') ? readable : `${readable}\n`)) {
    const all = { ...labels, job: 'shop', instance: 'shop:9464' };
    const key = `${name}{${Object.entries(all).map(([label, text]) => `${label}=${JSON.stringify(text)}`)}}`;
    const values = series.get(key) ?? [];
    values[time] = value;
    series.set(key, values);
  }
}
