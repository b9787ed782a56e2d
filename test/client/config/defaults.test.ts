import type { HttpClientConfig } from 'pillion';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/client/config/config.js';

describe('a configuration of nothing', () => {
  it('has the defaults that the documentation promises', () => {
    expect(parseConfig({})).toEqual({
      name: 'default',
      headers: {},
      allowAbsoluteUrls: false,
      maxRedirects: 0,
      proxy: false,
      timeouts: { total: 10_000, attempt: 2500, connect: 1000 },
      retry: {
        maxRetries: 2,
        maxConcurrentRetries: 50,
        on: ['gateway-error', 'reset', 'connect-failure', 'rate-limited'],
        backoff: { base: 50, max: 2000 },
        budget: { ratio: 0.2, minPerSecond: 1 },
      },
      allowH2: false,
      envoyHeaders: false,
      circuitBreaker: {
        errorThresholdPercentage: 50,
        volumeThreshold: 20,
        rollingWindow: 10_000,
        resetTimeout: 5000,
        trials: 3,
      },
      limits: { maxRequests: 128, maxPendingRequests: 1024, per: 'destination' },
      connections: { maxConnections: 1024, maxConnectionAge: 600_000, keepAliveTimeout: 4000, maxOrigins: 1024 },
      maxContentLength: 10 * 1024 * 1024,
      tracing: { propagation: true, requestIdHeader: 'x-request-id', attemptCountHeader: false },
      logging: { profile: 'otel', successSampleRate: 1, failureSampleRate: 1 },
    });
  });

  it('is the same whether sections are absent, empty or undefined', () => {
    const empty = { timeouts: {}, retry: { backoff: {}, budget: {} }, circuitBreaker: {}, limits: {}, tracing: {} };
    expect(parseConfig({ ...empty, logging: {} })).toEqual(parseConfig({}));
    expect(parseConfig({ timeouts: undefined, baseURL: undefined } as HttpClientConfig)).toEqual(parseConfig({}));
  });

  it('is not shared between two that are parsed', () => {
    const first = parseConfig({});
    Object.assign(first.headers, { 'x-a': '1' });
    if (first.retry) first.retry.on.push(425);
    expect(parseConfig({}).headers).toEqual({});
    expect(parseConfig({}).retry).toMatchObject({ on: expect.not.arrayContaining([425]) });
  });

  it('leaves what it was given as it was', () => {
    const config = Object.freeze({
      timeouts: Object.freeze({ total: '1s' }),
      headers: Object.freeze({ a: 'b' }),
    }) as never;
    parseConfig(config);
    expect(config).toEqual({ timeouts: { total: '1s' }, headers: { a: 'b' } });
  });
});

describe('tls', () => {
  it('is absent unless configured, and asks for TLS 1.2 and a verified server', () => {
    expect(parseConfig({})).not.toHaveProperty('tls');
    expect(parseConfig({ tls: {} }).tls).toMatchObject({ minVersion: 'TLSv1.2', rejectUnauthorized: true });
  });

  it('is read again when its files change, looked at every 5 s; what runs has 10 minutes then', () => {
    expect(parseConfig({ tls: {} }).tls).toMatchObject({ reload: { interval: 5000, drainTimeout: 600_000 } });
  });
});

describe('the sidecar of the billing scenario', () => {
  /** An Envoy outbound cluster: 3 retries on 5xx, 1.5 s a try, 15 s a request (Envoy's default), backoff 50 ms to 1 s. */
  const billing: HttpClientConfig = {
    name: 'billing',
    baseURL: 'https://billing.internal',
    timeouts: { connect: '0.25s', attempt: '1.5s', total: '15s' },
    retry: {
      maxRetries: 3,
      on: ['5xx', 'gateway-error', 'reset'],
      backoff: { base: '0.05s', max: '1s' },
      maxConcurrentRetries: 60,
    },
    limits: { maxRequests: 200, maxPendingRequests: 100 },
    tls: { cert: '/etc/certs/tls.crt', key: '/etc/certs/tls.key' },
  };

  it('says the same as a configuration', () => {
    expect(parseConfig(billing)).toMatchObject({
      baseURL: 'https://billing.internal',
      timeouts: { connect: 250, attempt: 1500, total: 15_000 },
      retry: {
        maxRetries: 3,
        on: ['5xx', 'gateway-error', 'reset'],
        backoff: { base: 50, max: 1000 },
        maxConcurrentRetries: 60,
      },
      limits: { maxRequests: 200, maxPendingRequests: 100 },
      tls: { cert: '/etc/certs/tls.crt', key: '/etc/certs/tls.key' },
    });
  });

  it('is plain JSON, as a file would hold it', () => {
    expect(parseConfig(JSON.parse(JSON.stringify(billing)))).toEqual(parseConfig(billing));
  });
});
