/** Endpoints by DNS: which there are, and when DNS is asked. */
import type { HttpClient, HttpClientConfig } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runChild } from '../../support/child.js';
import { until } from '../../support/client.js';
import { type Name, startDnsServer } from '../../support/dns-server.js';
import { balanceOf, fleet } from './fleet.js';

type Endpoints = NonNullable<HttpClientConfig['endpoints']>;

/** A client whose endpoints are those of `api.test`, as `zone` has it. */
async function named(zone: Record<string, Name>, dns: Partial<NonNullable<Endpoints['dns']>> = {}) {
  const server = await startDnsServer(zone);
  const made = fleet(
    {},
    { endpoints: { dns: { address: 'api.test:8080', refresh: 100, servers: [server.address], ...dns } } },
  );
  onTestFinished(() => made.client.close());
  return { ...made, server };
}

async function byService(zone: Record<string, Name>) {
  const server = await startDnsServer(zone);
  const srv = { name: '_api._tcp.test', refresh: 100, servers: [server.address] };
  const made = fleet({}, { endpoints: { srv } });
  onTestFinished(() => made.client.close());
  return { ...made, server };
}

const known = (client: HttpClient) =>
  balanceOf(client)
    .endpoints.map(({ address }) => address)
    .sort();

describe('the endpoints', () => {
  it('are the A and AAAA records of the name', async () => {
    const { client } = await named({ 'api.test': { A: ['10.0.0.1', '10.0.0.2'], AAAA: ['fd00::1'] } });
    await client.get('/');
    expect(known(client)).toEqual(['10.0.0.1:8080', '10.0.0.2:8080', '[fd00::1]:8080']);
  });

  it.each<[string, Name, string]>([
    ['A', { A: ['10.0.0.1'] }, '10.0.0.1:8080'],
    ['AAAA', { AAAA: ['fd00::1'] }, '[fd00::1]:8080'],
  ])('may be %s records alone', async (_, records, address) => {
    const { client, sent } = await named({ 'api.test': records });
    await client.get('/');
    expect(sent).toEqual([address]);
  });

  it.each([
    ['ipv4', ['10.0.0.1:8080'], ['A']],
    ['ipv6', ['[fd00::1]:8080'], ['AAAA']],
  ] as const)('are of the family that is wanted: %s', async (family, addresses, types) => {
    const { client, server } = await named({ 'api.test': { A: ['10.0.0.1'], AAAA: ['fd00::1'] } }, { family });
    await client.get('/');
    expect(known(client)).toEqual(addresses);
    expect([...new Set(server.queries.map(({ type }) => type))]).toEqual(types);
  });

  it('are those of the SRV records with the lowest priority number, by their port and weight', async () => {
    const { client } = await byService({
      '_api._tcp.test': {
        SRV: [
          { priority: 10, weight: 3, port: 8001, target: 'a.test' },
          { priority: 10, weight: 0, port: 8002, target: 'b.test' },
          { priority: 20, weight: 9, port: 8003, target: 'c.test' },
        ],
      },
      'a.test': { A: ['10.0.0.1'], AAAA: ['fd00::1'] },
      'b.test': { A: ['10.0.0.2'] },
      'c.test': { A: ['10.0.0.3'] },
    });
    await client.get('/');
    const { endpoints } = balanceOf(client);
    const found = endpoints.map(({ address, weight }) => ({ address, weight }));
    expect(found.sort((a, b) => a.address.localeCompare(b.address))).toEqual(
      [
        { address: '[fd00::1]:8001', weight: 3 },
        { address: '10.0.0.1:8001', weight: 3 },
        { address: '10.0.0.2:8002', weight: 1 },
      ].sort((a, b) => a.address.localeCompare(b.address)),
    );
  });

  it('are the other SRV targets while one of them has no address', async () => {
    const { client } = await byService({
      '_api._tcp.test': {
        SRV: [
          { priority: 1, weight: 1, port: 8001, target: 'a.test' },
          { priority: 1, weight: 1, port: 8002, target: 'gone.test' },
        ],
      },
      'a.test': { A: ['10.0.0.1'] },
    });
    await client.get('/', { timeout: 2000 });
    expect(known(client)).toEqual(['10.0.0.1:8001']);
  });

  it('may be those of several names, each with its own port, weight and priority', async () => {
    const { client } = await named(
      { 'a.test': { A: ['10.0.0.1', '10.0.0.2'] }, 'b.test': { A: ['10.0.0.3'] } },
      {
        address: undefined,
        names: [
          { address: 'a.test:80', weight: 3 },
          { address: 'b.test:81', priority: 1 },
        ],
      },
    );
    await client.get('/');
    expect(balanceOf(client).endpoints).toMatchObject([
      { address: '10.0.0.1:80', weight: 3 },
      { address: '10.0.0.2:80', weight: 3 },
      { address: '10.0.0.3:81', weight: 1, priority: 1 },
    ]);
  });

  it('keep those of a name that cannot be looked up any more, while the others are followed', async () => {
    const { client, server } = await named(
      { 'a.test': { A: ['10.0.0.1'] }, 'b.test': { A: ['10.0.0.2'] } },
      { address: undefined, names: [{ address: 'a.test:80' }, { address: 'b.test:80' }] },
    );
    await client.get('/');
    delete server.zone['a.test'];
    server.zone['b.test'] = { A: ['10.0.0.3'] };
    await until(() => known(client).includes('10.0.0.3:80'));
    expect(known(client)).toEqual(['10.0.0.1:80', '10.0.0.3:80']);
  });

  it('may be an IP address, for which nobody is asked', async () => {
    const { client, server, sent } = await named({}, { address: '10.0.0.9:8080' });
    await client.get('/');
    expect(sent).toEqual(['10.0.0.9:8080']);
    expect(server.queries).toEqual([]);
  });
});

describe('a change of the records', () => {
  it('is followed, and told of', async () => {
    const { client, server, sent } = await named({ 'api.test': { A: ['10.0.0.1'] } });
    const changes: unknown[] = [];
    client.on('endpoints.changed', ({ added, removed }) => changes.push({ added, removed }));
    await client.get('/');
    server.zone['api.test'] = { A: ['10.0.0.2'] };
    await until(() => known(client)[0] === '10.0.0.2:8080');
    await client.get('/');
    expect(sent).toEqual(['10.0.0.1:8080', '10.0.0.2:8080']);
    expect(changes.at(-1)).toEqual({ added: ['10.0.0.2:8080'], removed: ['10.0.0.1:8080'] });
  });

  it('is followed where they are SRV records', async () => {
    const to = (port: number) => ({ SRV: [{ priority: 1, weight: 1, port, target: 'a.test' }] });
    const { client, server } = await byService({ '_api._tcp.test': to(8001), 'a.test': { A: ['10.0.0.1'] } });
    await client.get('/');
    server.zone['_api._tcp.test'] = to(8002);
    await until(() => known(client)[0] === '10.0.0.1:8002');
    expect(known(client)).toEqual(['10.0.0.1:8002']);
  });

  it.each(['SERVFAIL', 'NXDOMAIN'] as const)('to %s keeps the endpoints there were', async (fails) => {
    const { client, server, sent } = await named({ 'api.test': { A: ['10.0.0.1'] } });
    const failures: string[] = [];
    client.on('endpoints.lookup_failed', ({ message }) => failures.push(message));
    await client.get('/');
    server.zone['api.test'] = { fails };
    await until(() => failures.length > 0);
    await client.get('/');
    expect(sent).toEqual(['10.0.0.1:8080', '10.0.0.1:8080']);
    // Once the name is back it is followed again.
    server.zone['api.test'] = { A: ['10.0.0.3'] };
    await until(() => known(client)[0] === '10.0.0.3:8080');
  });

  it('to no address at all keeps the endpoints there were', async () => {
    const { client, server } = await named({ 'api.test': { A: ['10.0.0.1'] } });
    await client.get('/');
    server.zone['api.test'] = {};
    await until(() => balanceOf(client).lookups.failed > 0);
    expect(known(client)).toEqual(['10.0.0.1:8080']);
  });
});

describe('DNS is asked', () => {
  it('again when the records expire, but not more often than each second', async () => {
    const { client, server } = await named(
      { 'api.test': { A: ['10.0.0.1'], ttl: 0 } },
      { refresh: 'ttl', family: 'ipv4' },
    );
    await client.get('/');
    await until(() => server.queries.length === 2);
    const [first, second] = server.queries;
    const between = (second?.at ?? 0) - (first?.at ?? 0);
    // Up to a tenth early.
    expect(between).toBeGreaterThan(890);
    expect(between).toBeLessThan(1500);
  });

  it('for the first time before any call, and no call waits for it after that', async () => {
    const { client, server, sent } = await named({ 'api.test': { A: ['10.0.0.1'] } });
    await until(() => known(client).length === 1);
    expect(sent).toEqual([]);
    server.zone['api.test'] = { fails: 'silence' };
    const before = server.queries.length;
    await until(() => server.queries.length > before);
    const startedAt = performance.now();
    for (let i = 0; i < 100; i++) await client.get('/');
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(sent).toHaveLength(100);
  });

  it('no more once the client is closed', async () => {
    const { client, server } = await named({ 'api.test': { A: ['10.0.0.1'] } });
    await client.get('/');
    await client.close();
    const before = server.queries.length;
    // Long enough for more lookups: another client on the same server tells the time.
    const clock = fleet(
      {},
      { endpoints: { dns: { address: 'clock.test:1', refresh: 100, family: 'ipv4', servers: [server.address] } } },
    );
    server.zone['clock.test'] = { A: ['10.0.0.1'] };
    const asked = (name: string) => server.queries.filter((query) => query.name === name).length;
    await until(() => asked('clock.test') >= 5);
    await clock.client.close();
    expect(asked('api.test')).toBe(before);
  });

  it('for a name that does not exist: the call fails with ERR_NO_ENDPOINT', async () => {
    const { client } = await named({ 'api.test': { fails: 'NXDOMAIN' } });
    await expect(client.get('/')).rejects.toMatchObject({ code: 'ERR_NO_ENDPOINT' });
  });
});

describe('a process', () => {
  it('is not kept alive by a client whose endpoints are looked up', async () => {
    const { address } = await startDnsServer({ 'api.test': { A: ['127.0.0.1'] } });
    const { reports, code, stderr, lingered } = await runChild(`
      import { createHttpClient } from 'pillion';
      const dns = { address: 'api.test:1', refresh: 100, servers: ['${address}'] };
      const client = createHttpClient({ baseURL: 'http://api.test', endpoints: { dns } });
      for (;;) {
        await pause(20);
        const { endpoints } = client.stats().policies.balance;
        if (endpoints.length > 0) {
          report({ found: endpoints[0].address });
          break;
        }
      }`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(reports).toEqual([{ found: '127.0.0.1:1' }]);
    expect(lingered).toBeLessThan(2000);
  });
});
