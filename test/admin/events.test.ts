/** The stream of snapshots: what it tells, and that it costs nothing while nobody listens. */
import http from 'node:http';
import { createHttpClient, type HttpClient, loadHttpClients } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Snapshot } from '../../src/admin/snapshot.js';
import { Watcher } from '../../src/admin/snapshot.js';
import { rejection, silent } from '../support/client.js';
import { ask } from './asking.js';

const baseURL = 'http://api.test';

function scripted(...replies: number[]): HttpClient {
  const transport = createMockTransport(replies);
  const client = createHttpClient({ name: 'billing', baseURL, retry: false }, { transport, logger: silent });
  onTestFinished(() => client.close({ grace: 0 }));
  return client;
}

/** Reads snapshots as they come. */
async function watching(port: number) {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ port, host: '127.0.0.1', path: '/events', agent: false }, resolve).on('error', reject);
  });
  onTestFinished(() => void response.destroy());
  const pieces = response.setEncoding('utf8')[Symbol.asyncIterator]();
  const next = async (): Promise<Snapshot> => JSON.parse(String((await pieces.next()).value).replace(/^data: /, ''));
  /** To the end. */
  const rest = async () => {
    while (!(await pieces.next()).done);
  };
  return { response, next, rest };
}

describe('a snapshot', () => {
  it('has rates and percentiles of the last half minute', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const client = scripted(200, 200, 200, 500);
    const watcher = new Watcher([client], { writable: false });
    onTestFinished(() => watcher.stop());
    for (let call = 0; call < 3; call++) await client.get('/');
    await rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(2000);

    const { clients, status, writable } = watcher.take();
    expect({ status, writable }).toEqual({ status: 'up', writable: false });
    expect(clients).toMatchObject([
      {
        ...{ name: 'billing', status: 'up', severity: 'degraded' },
        ...{ rate: 2, failed: 0.5, refused: 0, refusedP50: null, refusedP99: null },
        ...{ attempts: 4, active: 0, breaker: true, forced: null, budget: null },
      },
    ]);
    expect(clients[0]?.destinations).toEqual([
      {
        ...{ address: baseURL, circuit: 'closed', circuitSince: null, nextTrialAt: null, endpoint: null },
        ...{ running: 0, pending: 0, latencyMs: null },
        ...{ failingSince: Date.now() - 2000, lastSuccessAt: Date.now() - 2000 },
      },
    ]);
    expect(clients[0]?.p50).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(watcher.take().clients[0]).toMatchObject({ rate: 0, failed: 0, p50: null, severity: 'well' });
  });

  it('tells what runs at an endpoint, also where the limits count for the origin', async () => {
    let answer = () => {};
    const transport = createMockTransport([() => new Promise<number>((resolve) => (answer = () => resolve(200)))]);
    const config = { baseURL, endpoints: { static: [{ address: '10.0.0.1:80' }] }, limits: { per: 'origin' as const } };
    const client = createHttpClient(config, { transport, logger: silent });
    onTestFinished(() => client.close({ grace: 0 }));
    const watcher = new Watcher([client], { writable: false });
    onTestFinished(() => watcher.stop());
    const call = client.get('/');
    await vi.waitFor(() => expect(transport.requests).toHaveLength(1));
    expect(watcher.take().clients[0]?.destinations.map(({ address, running }) => [address, running])).toEqual([
      ['10.0.0.1:80', 1],
      [baseURL, 1],
    ]);
    answer();
    await call;
  });

  it('tells the version of a configuration, and its clients as they come and go', async () => {
    let names = ['a', 'b'];
    const load = () => ({ clients: Object.fromEntries(names.map((name) => [name, { baseURL }])) });
    const registry = loadHttpClients({ name: 'test', load }, { logger: silent });
    const watcher = new Watcher(registry, { writable: true });
    onTestFinished(async () => {
      watcher.stop();
      await registry.close();
    });
    expect(watcher.take()).toMatchObject({ configs: [{ version: 1, refused: null, source: 'test' }] });
    names = ['b', 'c'];
    await registry.refresh();
    expect(watcher.take().clients.map(({ name }) => name)).toEqual(['b', 'c']);
  });
});

describe('/events', () => {
  it('sends one at once and one a second, and ends with the handler', async () => {
    const client = scripted(200);
    const admin = createAdmin([client]);
    const { port } = await admin.listen();
    const { response, next, rest } = await watching(port);
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect((await next()).clients[0]).toMatchObject({ name: 'billing', rate: 0 });
    await client.get('/');
    const { clients } = await next();
    expect(clients[0]?.rate).toBeGreaterThan(0.5);

    await admin.close();
    await rest();
    expect(response.complete).toBe(true);
  });

  it('ends once every client is closed, and is refused from then on', async () => {
    const [first, second] = [scripted(), scripted()];
    const admin = createAdmin([first, second]);
    onTestFinished(() => admin.close());
    const { port } = await admin.listen();
    const { response, next, rest } = await watching(port);
    await next();
    await first.close();
    expect((await next()).clients.map(({ status }) => status)).toEqual(['down', 'up']);
    await second.close();
    await rest();
    expect(response.complete).toBe(true);
    expect(await ask(port, '/events')).toMatchObject({ status: 503, json: { error: 'All clients are closed.' } });
  });

  it('ends with its registry', async () => {
    const registry = loadHttpClients({ clients: { a: { baseURL }, b: { baseURL } } }, { logger: silent });
    const admin = createAdmin(registry);
    onTestFinished(() => admin.close());
    const { port } = await admin.listen();
    const { response, next, rest } = await watching(port);
    await next();
    await registry.close();
    await rest();
    expect(response.complete).toBe(true);
  });

  it('adds no listener to a client: all are there from the creation of the handler on', async () => {
    const client = scripted();
    const on = vi.spyOn(client, 'on');
    const admin = createAdmin([client]);
    onTestFinished(() => admin.close());
    const counted = on.mock.calls.length;
    const { port } = await admin.listen();
    const { response, next } = await watching(port);
    await next();
    expect(on.mock.calls.length).toBe(counted);
    response.destroy();
  });

  it('has room for sixteen', async () => {
    const admin = createAdmin([]);
    onTestFinished(() => admin.close());
    const { port } = await admin.listen();
    const watchers = await Promise.all(Array.from({ length: 16 }, () => watching(port)));
    const { response } = await watching(port);
    expect(response.statusCode).toBe(503);
    expect(watchers.map((each) => each.response.statusCode)).toEqual(Array(16).fill(200));
  });
});
