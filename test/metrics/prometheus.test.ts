/** createPrometheus: the text that Prometheus scrapes, read by a strict parser of its own. */
import fc from 'fast-check';
import { createHttpClient, type HttpClient, type HttpClientConfig, loadHttpClients } from 'pillion';
import { createPrometheus } from 'pillion/metrics';
import { createMockTransport, type Script } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection, silent } from '../support/client.js';
import { exposition } from './exposition.js';

const baseURL = 'http://api.test';

function measured(script: Script, config: HttpClientConfig = {}) {
  const transport = createMockTransport(script);
  const client = createHttpClient(
    { name: 'billing', baseURL, ...config },
    { transport, logger: silent, random: () => 0 },
  );
  const prometheus = createPrometheus([client]);
  onTestFinished(() => {
    prometheus.close();
    return client.close({ grace: 0 });
  });
  const value = (name: string, labels: Record<string, string> = {}) =>
    exposition(prometheus.text()).find(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
    )?.value;
  return { client, prometheus, value };
}

describe('the text', () => {
  it('is a valid exposition, and says so in its content type', async () => {
    const { client, prometheus } = measured([503, 200, 404]);
    await client.get('/');
    await rejection(client.get('/'));
    expect(exposition(prometheus.text()).length).toBeGreaterThan(20);
    expect(prometheus.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('counts calls by duration and outcome, attempts, retries', async () => {
    const { client, value } = measured([503, 200, 404]);
    await client.get('/', { routeName: '/x/{id}' });
    await rejection(client.post('/', {}));
    const calls = 'pillion_client_call_duration_seconds_count';
    expect(value(calls, { http_request_method: 'GET', url_template: '/x/{id}' })).toBe(1);
    expect(value(calls, { http_request_method: 'POST', error_type: '404' })).toBe(1);
    expect(value('pillion_client_attempts_total', { error_type: '503' })).toBe(1);
    expect(value('pillion_client_retries_total', { client: 'billing', error_type: '503' })).toBe(1);
    expect(value('pillion_client_retry_budget_remaining')).toBe(9);
    expect(value('pillion_client_calls_active')).toBe(0);
  });

  it('shows whether circuits are forced, and in which state', () => {
    const { client, value } = measured([]);
    const forced = () => ['open', 'closed'].map((state) => value('pillion_client_circuit_forced', { state }));
    expect(forced()).toEqual([0, 0]);
    client.forceCircuit('open', { by: 'alice' });
    expect(forced()).toEqual([1, 0]);
    client.forceCircuit('closed');
    expect(forced()).toEqual([0, 1]);
    client.forceCircuit('auto');
    expect(forced()).toEqual([0, 0]);
  });

  it('shows the state of a circuit as a number, and counts its transitions', async () => {
    const circuitBreaker = { volumeThreshold: 1, errorThresholdPercentage: 50 };
    const { client, value } = measured([500, 500], { retry: false, circuitBreaker });
    await rejection(client.get('/'));
    expect(value('pillion_client_circuit_state', { destination: baseURL })).toBe(2);
    expect(value('pillion_client_circuit_transitions_total', { state: 'open' })).toBe(1);
  });

  it('has buckets that add up to the count, the last of them +Inf', async () => {
    const { client, prometheus } = measured([{ reply: 200 }]);
    for (let call = 0; call < 5; call++) await client.get('/');
    const buckets = exposition(prometheus.text()).filter(({ name }) => name.endsWith('_bucket'));
    expect(buckets.map(({ labels }) => labels.le)).toEqual(
      '0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf'.split(' '),
    );
    const values = buckets.map((each) => each.value);
    expect([...values].sort((a, b) => a - b)).toEqual(values);
    expect(values.at(-1)).toBe(5);
  });

  it('has nothing of a path, a query or a header', async () => {
    const { client, prometheus } = measured([{ reply: 200 }]);
    await client.get('/users/s3cr3t?token=s3cr3t', { headers: { authorization: 's3cr3t' } });
    expect(prometheus.text()).not.toContain('s3cr3t');
  });

  it('keeps methods nobody knows together', async () => {
    const { client, value } = measured([{ reply: 200 }]);
    for (const method of ['PURGE', 'BAN', 'TRACE']) await client.request({ url: '/', method });
    expect(value('pillion_client_call_duration_seconds_count', { http_request_method: '_OTHER' })).toBe(2);
    expect(value('pillion_client_call_duration_seconds_count', { http_request_method: 'TRACE' })).toBe(1);
  });

  it('says a client that is named by anything', () => {
    const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).filter((name) => !name.includes('\r'));
    fc.assert(
      fc.property(names, (name) => {
        const prometheus = createPrometheus([createHttpClient({ name })]);
        const [sample] = exposition(prometheus.text());
        prometheus.close();
        expect(sample?.labels.client).toBe(name);
      }),
    );
  });

  it('keeps a thousand sets of labels apart, and the rest together', async () => {
    const { client, prometheus } = measured([{ reply: 200 }]);
    for (let route = 0; route < 1100; route++) await client.get('/', { routeName: `/r${route}` });
    const counts = exposition(prometheus.text()).filter(
      ({ name }) => name === 'pillion_client_call_duration_seconds_count',
    );
    expect(counts).toHaveLength(1001);
    expect(counts.find(({ labels }) => labels.otel_metric_overflow === 'true')?.value).toBe(100);
  });
});

describe('gauges by destination', () => {
  it('have at most a thousand destinations, of which those with an open circuit and those used last are shown', async () => {
    const script: Script = [{ reply: 503, path: '/bad' }, { reply: 200 }];
    const { client, prometheus } = measured(script, { allowAbsoluteUrls: true, retry: false });
    for (let call = 0; call < 20; call++) await rejection(client.get('http://down.test/bad'));
    for (let index = 0; index < 1100; index++) await client.get(`http://host-${index}.test/`);
    const states = exposition(prometheus.text()).filter(({ name }) => name === 'pillion_client_circuit_state');
    expect(states).toHaveLength(1000);
    const at = (host: string) => states.find(({ labels }) => labels.destination === `http://${host}.test`)?.value;
    expect([at('down'), at('host-1099'), at('host-0')]).toEqual([2, 0, undefined]);
  });
});

describe('clients of one configuration', () => {
  it('come and go with it; counters live on, and version and rejections are counted', async () => {
    let document: object = { clients: { a: { baseURL }, b: { baseURL } } };
    const transport = createMockTransport([{ reply: 200 }]);
    const registry = loadHttpClients({ name: 'test', load: () => document }, { transport, logger: silent });
    const prometheus = createPrometheus(registry);
    onTestFinished(async () => {
      prometheus.close();
      await registry.close();
    });
    const attempts = () =>
      exposition(prometheus.text())
        .filter(({ name }) => name === 'pillion_client_attempts_total')
        .map(({ labels, value }) => [labels.client, value]);
    await registry.get('a').get('/');
    await registry.get('b').get('/');

    document = { clients: { b: { baseURL, retry: false }, c: { baseURL } } };
    await registry.refresh();
    await registry.get('c').get('/');
    await registry.get('b').get('/');
    expect(attempts()).toEqual([
      ['b', 2],
      ['c', 1],
    ]);
    document = { clients: { b: { nonsense: 1 } } };
    await registry.refresh();
    const told = new Map(exposition(prometheus.text()).map(({ name, value }) => [name, value]));
    expect([...told].filter(([name]) => name.startsWith('pillion_config'))).toEqual([
      ['pillion_config_version', 2],
      ['pillion_config_rejections_total', 1],
      ['pillion_config_refused', 1],
    ]);
  });
});

it('counts no more once it is closed', async () => {
  const { client, prometheus, value } = measured([{ reply: 200 }]);
  await client.get('/');
  prometheus.close();
  await client.get('/');
  expect(value('pillion_client_attempts_total')).toBeUndefined();
  expect((client as HttpClient).stats().attempts).toBe(2);
});
