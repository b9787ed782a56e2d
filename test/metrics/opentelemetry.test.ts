/** recordMetrics: through the OpenTelemetry API, read with the real SDK. */
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { createHttpClient, loadHttpClients } from 'pillion';
import { type RecordMetricsOptions, recordMetrics } from 'pillion/metrics';
import { createMockTransport, type Script } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { callDuration, counters, gauges, registryGauges, requestDuration } from '../../src/metrics/instruments.js';
import { rejection, silent } from '../support/client.js';

const baseURL = 'http://api.test:8080';

function sdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => meterProvider.shutdown());
  /** Every data point: metric, attributes, value (of a histogram its count). */
  const collected = async () => {
    exporter.reset();
    await reader.forceFlush();
    const told = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    return told.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({
        name: descriptor.name,
        unit: descriptor.unit,
        attributes,
        value: typeof value === 'number' ? value : value.count,
        ...(typeof value === 'object' && 'buckets' in value && { bounds: value.buckets.boundaries }),
      })),
    );
  };
  return { meterProvider, collected };
}

function recorded(script: Script, options: RecordMetricsOptions = {}) {
  const { meterProvider, collected } = sdk();
  const transport = createMockTransport(script);
  const client = createHttpClient({ name: 'billing', baseURL }, { transport, logger: silent, random: () => 0 });
  const stop = recordMetrics([client], { meterProvider, ...options });
  onTestFinished(() => {
    stop();
    return client.close({ grace: 0 });
  });
  const points = async (name: string) => (await collected()).filter((point) => point.name === name);
  return { client, stop, points, collected };
}

describe('the instruments', () => {
  it('have names and units of the conventions, each once', () => {
    const all = [...counters, ...gauges, ...registryGauges, callDuration, requestDuration];
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { name, unit, description } of all) {
      expect(name).toMatch(/^(pillion(\.[a-z_]+)+|http\.client\.request\.duration)$/);
      // Others are not appended to Prometheus names in the same way by all: https://github.com/prometheus/otlptranslator
      expect(unit).toMatch(/^(s|\{[a-z]+\})$/);
      expect(description).toMatch(/^.+\.$/);
    }
  });
});

describe('recorded metrics', () => {
  it('are the duration of calls, attempts and retries, with what went wrong', async () => {
    const { client, points } = recorded([503, 200, 404]);
    await client.get('/', { routeName: '/x/{id}' });
    await rejection(client.delete('/'));

    expect(await points('pillion.client.call.duration')).toMatchObject([
      {
        unit: 's',
        value: 1,
        attributes: { client: 'billing', 'http.request.method': 'GET', 'url.template': '/x/{id}' },
      },
      { unit: 's', value: 1, attributes: { client: 'billing', 'http.request.method': 'DELETE', 'error.type': '404' } },
    ]);
    expect((await points('pillion.client.attempts')).map(({ value, attributes }) => [value, attributes])).toEqual([
      [1, { client: 'billing', 'error.type': '503' }],
      [1, { client: 'billing' }],
      [1, { client: 'billing', 'error.type': '404' }],
    ]);
    expect(await points('pillion.client.retries')).toMatchObject([{ value: 1, attributes: { 'error.type': '503' } }]);
    expect(await points('pillion.client.retry.budget.remaining')).toMatchObject([{ value: 9 }]);
    expect(await points('pillion.client.circuit.state')).toMatchObject([
      { value: 0, attributes: { destination: baseURL } },
    ]);
  });

  it('have the standard duration of requests only where that is asked for', async () => {
    const off = recorded([200]);
    await off.client.get('/');
    expect(await off.points('http.client.request.duration')).toEqual([]);

    const on = recorded([503, 200], { requestDuration: true });
    await on.client.get('/');
    const standard = { 'http.request.method': 'GET', 'server.address': 'api.test', 'server.port': 8080 };
    expect((await on.points('http.client.request.duration')).map(({ attributes }) => attributes)).toEqual([
      { ...standard, 'http.response.status_code': 503, 'error.type': '503' },
      { ...standard, 'http.response.status_code': 200 },
    ]);
    const [point] = await on.points('http.client.request.duration');
    expect(point).toMatchObject({
      unit: 's',
      bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    });
  });

  it('end with the function that was returned', async () => {
    const { client, stop, collected } = recorded([{ reply: 200 }]);
    await client.get('/');
    stop();
    await client.get('/');
    const after = await collected();
    expect(after.filter(({ name }) => name !== 'pillion.client.call.duration')).toEqual([]);
    expect(after.map(({ value }) => value)).toEqual([1]);
  });

  it('go with the clients of a configuration, and tell its version', async () => {
    const { meterProvider, collected } = sdk();
    const transport = createMockTransport([{ reply: 200 }]);
    let clients: object = { a: { baseURL } };
    const registry = loadHttpClients({ name: 'test', load: () => ({ clients }) }, { transport, logger: silent });
    const stop = recordMetrics(registry, { meterProvider });
    onTestFinished(async () => {
      stop();
      await registry.close();
    });
    clients = { b: { baseURL } };
    await registry.refresh();
    await registry.get('b').get('/');
    const told = await collected();
    expect(told.filter(({ name }) => name === 'pillion.client.attempts')).toMatchObject([
      { attributes: { client: 'b' } },
    ]);
    expect(
      told.filter(({ name }) => name.startsWith('pillion.config')).map(({ name, value }) => [name, value]),
    ).toEqual([
      ['pillion.config.version', 2],
      ['pillion.config.rejections', 0],
      ['pillion.config.refused', 0],
    ]);
  });

  it('of several registries tell the version of each by its source', async () => {
    const { meterProvider, collected } = sdk();
    const registryOf = (name: string) =>
      loadHttpClients({ name, load: () => ({ clients: { a: { baseURL } } }) }, { logger: silent });
    const registries = [registryOf('one'), registryOf('two')];
    const stop = recordMetrics(registries, { meterProvider });
    onTestFinished(async () => {
      stop();
      for (const registry of registries) await registry.close();
    });
    const versions = (await collected()).filter(({ name }) => name === 'pillion.config.version');
    expect(versions.map(({ attributes }) => attributes)).toEqual([{ source: 'one' }, { source: 'two' }]);
  });

  it('cost nothing where no SDK is registered: nothing is thrown, nothing kept', async () => {
    const client = createHttpClient({ baseURL }, { transport: createMockTransport([200]), logger: silent });
    const stop = recordMetrics([client]);
    expect((await client.get('/')).status).toBe(200);
    stop();
  });
});
