import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  createHttpClient,
  createIdentity,
  type HttpClient,
  type HttpClientConfig,
  type HttpClientDeps,
  type Logger,
} from 'pillion';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Authority, authority, type Identity as Pem } from '../../support/certificates.js';
import { rejection, until } from '../../support/client.js';
import { closing, startHttps } from '../../support/upstream.js';
import { day } from './dated.js';
import { mutual, rotating, showName, shown, silent } from './rotating.js';
import { inPlace } from './stores.js';

let ca: Authority;
let server: Pem;
let old: Pem;
let next: Pem;

beforeAll(async () => {
  ca = await authority('our CA');
  const long = { dns: ['localhost'], expiresIn: 90 * day };
  server = await ca.issue({ name: 'server', ...long });
  old = await ca.issue({ name: 'old', ...long });
  next = await ca.issue({ name: 'next', ...long });
});

function open(config: HttpClientConfig, deps: HttpClientDeps = {}): HttpClient {
  const client = createHttpClient({ retry: false, ...config }, { logger: silent, ...deps });
  onTestFinished(() => client.close({ grace: 0 }));
  return client;
}

function keepLines() {
  const lines: { level: string; fields: Record<string, unknown>; text: string | undefined }[] = [];
  const at = (level: string) => (fields: object, text?: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, text });
  };
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { logger, lines };
}

const rotation = (emitter: Pick<HttpClient, 'on'>) =>
  new Promise<unknown>((resolve) => {
    emitter.on('identity.rotated', resolve);
  });

describe('one identity', () => {
  it('for three clients and a server: after one rotation all of them show the new certificate', async () => {
    const { logger, lines } = keepLines();
    const { identity, rotate } = rotating(old, { ca: ca.cert }, { logger });
    const upstream = https.createServer({ ...identity.serverOptions(), requestCert: true }, ({ socket }, response) =>
      response.end(shown(socket)),
    );
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    onTestFinished(() => void upstream.close());
    const baseURL = `https://localhost:${(upstream.address() as AddressInfo).port}`;
    const clients = ['a', 'b', 'c'].map((name) => open({ name, baseURL, logging: false }, { identity, logger }));
    const ask = async (client: HttpClient) => {
      const { data, request } = await client.get('/', { family: 4 });
      return { client: data, server: shown(request.socket) };
    };
    const fast = async (client: HttpClient) => (await client.get('/')).data;
    for (const client of clients) {
      expect(await ask(client)).toEqual({ client: 'old', server: 'old' });
      expect(await fast(client)).toBe('old');
    }

    const events: object[] = [];
    for (const client of clients) client.on('identity.rotated', (event) => events.push(event));
    rotate(next);
    for (const client of clients) {
      expect(await ask(client)).toEqual({ client: 'next', server: 'next' });
      expect(await fast(client)).toBe('next');
      expect(client.stats().identity).toMatchObject({ generation: 2, subject: 'CN=next' });
    }
    const told = { generation: 2, subject: 'CN=next', notAfter: identity.stats().notAfter };
    expect(events).toEqual(['a', 'b', 'c'].map((client) => ({ client, shared: true, ...told })));
    const fields = {
      'event.name': 'pillion.identity.rotated',
      generation: 2,
      subject: 'CN=next',
      not_after: told.notAfter,
    };
    expect(lines).toEqual([{ level: 'info', fields, text: 'identity rotated' }]);
  });

  it('writes its lines with the names of its profile', () => {
    const { logger, lines } = keepLines();
    const { cert, key } = inPlace(old);
    const identity = createIdentity({ cert, key, reload: { interval: '1h' } }, { logger, profile: 'ecs' });
    onTestFinished(() => identity.close());
    writeFileSync(cert, next.cert);
    expect(identity.refresh()).toBe(false);
    expect(lines).toMatchObject([
      { level: 'warn', fields: { 'event.action': 'pillion.identity.rejected', 'pillion.generation': 1 } },
    ]);
  });

  it('that refuses new files emits an event on each client, with one log line in all', () => {
    const { logger, lines } = keepLines();
    const { cert, key } = inPlace(old);
    const identity = createIdentity({ cert, key, reload: { interval: '1h' } }, { logger });
    onTestFinished(() => identity.close());
    const events: { client: string; generation: number }[] = [];
    for (const name of ['a', 'b'])
      open({ name }, { identity, logger }).on('identity.rejected', (event) => events.push(event));
    writeFileSync(cert, next.cert);
    expect(identity.refresh()).toBe(false);
    const message = expect.stringContaining('does not belong');
    expect(events).toEqual([
      { client: 'a', shared: true, generation: 1, message },
      { client: 'b', shared: true, generation: 1, message },
    ]);
    expect(lines).toHaveLength(1);
  });

  it('goes on for the others when a client is closed, which emits nothing more', async () => {
    const { cert, key, put } = inPlace(old);
    const identity = createIdentity({ cert, key, reload: { interval: '1h' } }, { logger: silent });
    onTestFinished(() => identity.close());
    const [closed, other] = [open({ name: 'closed' }, { identity }), open({ name: 'other' }, { identity })];
    const events: unknown[] = [];
    closed.on('identity.rotated', (event) => events.push(event));
    await closed.close();
    const rotated = rotation(other);
    put(next);
    expect(await rotated).toMatchObject({ client: 'other', generation: 2 });
    expect(events).toEqual([]);
  });

  it('that is closed stays in force as it is', async () => {
    const { origin } = await startHttps(mutual(server, ca), showName);
    const { identity } = rotating(old, { ca: ca.cert });
    const client = open({ baseURL: origin }, { identity });
    identity.close();
    expect((await client.get('/')).data).toBe('old');
  });

  it('is kept by updates of a client, which see its rotations', async () => {
    const { origin } = await startHttps(mutual(server, ca), showName);
    const { identity, rotate } = rotating(old, { ca: ca.cert });
    const client = open({ baseURL: origin }, { identity });
    client.update({ baseURL: origin, retry: false, tls: { pins: [server.pin] } });
    const events: unknown[] = [];
    client.on('identity.rotated', (event) => events.push(event));
    rotate(next);
    expect((await client.get('/')).data).toBe('next');
    expect(events).toHaveLength(1);
  });

  it('stands beside rules for the server in the tls section', async () => {
    const { origin } = await startHttps(mutual(server, ca), showName);
    const { identity } = rotating(old, { ca: ca.cert });
    const { pin } = server;
    for (const tls of [{ pins: [pin] }, { serverName: 'localhost' }, { subjectAltNames: ['localhost'] }])
      expect((await open({ baseURL: origin, tls }, { identity }).get('/')).data).toBe('old');
    const strict = open({ baseURL: origin, tls: { serverName: 'elsewhere.test' } }, { identity });
    expect((await rejection(strict.get('/'))).code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });
});

describe('deps.identity is ERR_CONFIG', () => {
  it.each([
    ['cert and key', () => ({ cert: old.cert, key: old.key })],
    ['ca', () => ({ ca: ca.cert })],
    ['pfx', () => ({ pfx: '/nowhere.p12' })],
  ])('beside tls.%s', (_, tls) => {
    const { identity } = rotating(old);
    const fault = expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining('deps.identity') });
    expect(() => createHttpClient({ tls: tls() }, { identity })).toThrow(fault);
    const client = open({}, { identity });
    expect(() => client.update({ tls: tls() })).toThrow(fault);
    expect(client.stats().identity).toMatchObject({ subject: 'CN=old' });
  });

  it.each([
    ['an object of the same shape', () => ({ ...rotating(old).identity })],
    ['the options of one', () => ({ cert: old.cert, key: old.key })],
    ['text', () => 'identity'],
    ['null', () => null],
    ['false', () => false],
    ['a function', () => () => {}],
  ])('where it is %s', (_, make) => {
    expect(() => createHttpClient({}, { identity: make() as never })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining('createIdentity()') }),
    );
  });
});

describe('with a transport of the caller', () => {
  it('no file of the tls section is read', async () => {
    const transport = async (config: object) => ({ data: 'ok', status: 200, statusText: '', headers: {}, config });
    const tls = { cert: '/nowhere/tls.crt', key: '/nowhere/tls.key', ca: '/nowhere/ca.crt' };
    const client = open({ baseURL: 'https://api.test', tls }, { transport: transport as never });
    expect((await client.get('/')).data).toBe('ok');
    expect(client.stats()).not.toHaveProperty('identity');
  });
});

describe('update() of a client with files of its own', () => {
  const section = ({ cert, key }: { cert: string; key: string }) => ({
    cert,
    key,
    reload: { interval: '1h' } as const,
  });

  async function scene() {
    const upstream = await startHttps(mutual(server, ca), showName);
    const store = inPlace(old);
    const config = (tls: NonNullable<HttpClientConfig['tls']> = section(store)): HttpClientConfig => ({
      baseURL: upstream.origin,
      retry: false,
      tls: { ca: ca.cert, ...tls },
    });
    return { ...upstream, client: open(config()), store, config };
  }

  it('with the same files keeps identity and generation', async () => {
    const { client, store, config, connections } = await scene();
    const rotated = rotation(client);
    store.put(next);
    await rotated;
    expect((await client.get('/')).data).toBe('next');
    const before = client.stats().identity;
    expect(before).toMatchObject({ generation: 2, lastRotation: expect.any(String) });
    client.update({ ...config(), timeouts: { total: '9s' } });
    expect(client.stats().identity).toEqual(before);
    expect((await client.get('/')).data).toBe('next');
    expect(connections).toHaveLength(1);
  });

  it('with the same files works while these are bad, and follows them as before', async () => {
    const { client, store, config } = await scene();
    rmSync(store.cert);
    client.update({ ...config(), timeouts: { total: '9s' } });
    expect((await client.get('/')).data).toBe('old');
    const rotated = rotation(client);
    store.put(next);
    expect(await rotated).toMatchObject({ generation: 2, subject: 'CN=next' });
    expect((await client.get('/')).data).toBe('next');
  });

  it('with other files replaces the identity, closes its connections, and no longer follows the ones before', async () => {
    const { client, store, config, connections } = await scene();
    expect((await client.get('/')).data).toBe('old');
    const other = inPlace(next);
    client.update(config(section(other)));
    await closing(connections[0]);
    expect((await client.get('/')).data).toBe('next');
    expect(client.stats().identity).toMatchObject({ generation: 1, subject: 'CN=next', lastRotation: null });
    const rotated = rotation(client);
    store.put(server);
    other.put(old);
    expect(await rotated).toMatchObject({ generation: 2, subject: 'CN=old' });
    expect((await client.get('/')).data).toBe('old');
  });

  it('with other files that are bad is ERR_CONFIG, and the identity in force is followed as before', async () => {
    const { client, store, config } = await scene();
    const bad = config(section({ cert: store.cert, key: '/nowhere/tls.key' }));
    expect(() => client.update(bad)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    const rotated = rotation(client);
    store.put(next);
    expect(await rotated).toMatchObject({ generation: 2, subject: 'CN=next' });
    expect((await client.get('/')).data).toBe('next');
  });

  it('without files has no identity any more', async () => {
    const { client, origin } = await scene();
    client.update({ baseURL: origin, retry: false });
    expect(client.stats()).not.toHaveProperty('identity');
    expect((await rejection(client.get('/'))).code).toBe('SELF_SIGNED_CERT_IN_CHAIN');
  });

  it('lets a call under the identity before end while that one rotates', async () => {
    const held: (() => void)[] = [];
    const { origin } = await startHttps(mutual(server, ca), ({ url, socket }, response) => {
      const end = () => response.end(shown(socket));
      if (url === '/held') held.push(end);
      else end();
    });
    const { cert, key } = inPlace(old);
    const config = {
      baseURL: origin,
      retry: false,
      tls: { cert, key, ca: ca.cert, reload: { interval: '20ms' } },
    } as const;
    const client = open(config);
    const slow = client.get('/held');
    await until(() => held.length === 1);
    const other = inPlace(next);
    client.update({ ...config, tls: { ...config.tls, cert: other.cert, key: other.key } });
    expect((await client.get('/')).data).toBe('next');
    // The identity before still has a call, and follows its files for as long.
    const rotated = rotation(client);
    inPlaceAt(cert, key, server);
    await rotated;
    held[0]?.();
    expect((await slow).data).toBe('old');
    expect((await client.get('/')).data).toBe('next');
  });
});

function inPlaceAt(cert: string, key: string, pair: Pem): void {
  writeFileSync(cert, pair.cert);
  writeFileSync(key, pair.key);
}
