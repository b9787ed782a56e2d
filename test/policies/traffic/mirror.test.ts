/** mirror: what is copied, and that nothing which becomes of a copy changes the call. */

import { Readable } from 'node:stream';
import { AxiosHeaders } from 'axios';
import { type HttpClientConfig, mirror, type Request, type Transport } from 'pillion';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { MirrorStats } from '../../../src/policies/traffic/mirror.js';
import { chance } from '../../properties/world.js';
import { baseURL, clientOver, collecting, pause, until, watch } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';
import { aRequest } from '../alone.js';

const shadow = 'http://shadow.test:8080/copy';
const answer = (config: Request) => ({ status: 200, data: '', statusText: '', headers: {}, config, request: {} });

type Shadow = (config: Request) => Promise<unknown>;

/** A client whose copies go to `shadowed`; calls are answered, by `reply` where one is given. */
function mirrored(options: object, shadowed: Shadow, config: HttpClientConfig = {}, reply = 200) {
  const copies: Request[] = [];
  const sent: string[] = [];
  const { logger, lines } = collecting();
  const transport = async (request: Request) => {
    const copy = (request.baseURL ?? '').startsWith('http://shadow.test');
    sent.push(copy ? 'copy' : 'call');
    if (!copy) return { ...answer(request), status: reply };
    copies.push(request);
    return shadowed(request);
  };
  const client = clientOver(transport as never, { mirror: [{ baseURL: shadow, ...options }], ...config }, { logger });
  onTestFinished(() => client.close());
  return { client, copies, sent, lines };
}

const well: Shadow = async (config) => answer(config);
const turn = () => pause(5);
const mirrorOf = (client: { stats(): { policies: Record<string, unknown> } }) =>
  (client.stats().policies.mirror as Record<string, MirrorStats>)['http://shadow.test:8080/copy'];

describe('the fraction', () => {
  it('of 10 % holds over 100,000 calls: chi-square, p > .001', async () => {
    let copies = 0;
    const wire = (async (request: Request) => {
      copies++;
      return answer(request);
    }) as unknown as Transport;
    const next = (async (request: Request) => answer(request)) as unknown as Transport;
    const stack = mirror([{ baseURL: shadow, fraction: 0.1, maxConcurrent: 65_535 }], { random: chance(11) })(
      next,
      wire,
    );
    for (let index = 0; index < 100_000; index++) {
      await stack(aRequest());
      if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await turn();
    expect((copies - 10_000) ** 2 / 10_000 + (copies - 10_000) ** 2 / 90_000).toBeLessThan(10.83);
  });
});

describe('a copy', () => {
  it('is made once for a call, however often that is retried', async () => {
    const { client, copies, sent } = mirrored({}, well, { retry: { maxRetries: 3 } }, 503);
    await client.get('/x').catch(() => {});
    await turn();
    expect(sent.filter((each) => each === 'call')).toHaveLength(4);
    expect(copies).toHaveLength(1);
  });

  it('has the Host with -shadow before the port, the same request id, no credentials, and its own headers', async () => {
    const options = { headers: { 'x-shadow': '1' }, removeHeaders: ['X-Debug'] };
    const { client, copies } = mirrored(options, well, { baseURL: 'http://svc.test:81/v1' });
    const secrets = { authorization: 'a', 'proxy-authorization': 'b', Cookie: 'c' };
    await client.get('/x', { params: { q: 1 }, headers: { ...secrets, 'x-debug': '1', 'x-request-id': 'r' } });
    await turn();
    const { headers, url, params } = copies[0] as Request;
    expect({ url, params, baseURL: copies[0]?.baseURL }).toEqual({ url: '/x', params: { q: 1 }, baseURL: shadow });
    expect(AxiosHeaders.from(headers).toJSON()).toMatchObject({
      Host: 'svc.test-shadow:81',
      'x-request-id': 'r',
      'x-shadow': '1',
    });
    for (const name of [...Object.keys(secrets), 'x-debug']) expect(headers.has(name), name).toBe(false);
  });

  it('keeps credentials and has the Host of its target where that is asked for', async () => {
    const { client, copies } = mirrored({ keepCredentials: true, hostSuffix: false }, well);
    await client.get('/', { headers: { authorization: 'a', cookie: 'c' } });
    await turn();
    expect(copies[0]?.headers).toMatchObject({ authorization: 'a', cookie: 'c' });
    expect(copies[0]?.headers.has('host')).toBe(false);
  });

  it('is made of a POST only where unsafeMethods says so, with its body', async () => {
    const safe = mirrored({}, well);
    await safe.client.post('/', { a: 1 });
    await safe.client.put('/', { a: 2 });
    await turn();
    expect(safe.copies.map(({ method, data }) => [method, data])).toEqual([['put', '{"a":2}']]);
    const unsafe = mirrored({ unsafeMethods: true }, well);
    await unsafe.client.post('/', { a: 1 });
    await turn();
    expect(unsafe.copies.map(({ data }) => data)).toEqual(['{"a":1}']);
  });

  it('is not made of a stream, nor beyond maxConcurrent; both are counted and told', async () => {
    const { client } = mirrored({ maxConcurrent: 1 }, () => new Promise(() => {}));
    const skipped: string[] = [];
    client.on('mirror.skipped', ({ reason }) => skipped.push(reason));
    await client.put('/', Readable.from(['x']));
    await client.get('/');
    await turn();
    await client.get('/');
    await turn();
    expect(skipped).toEqual(['stream', 'overflow']);
    expect(mirrorOf(client)).toMatchObject({ sent: 1, active: 1, skipped: { stream: 1, overflow: 1, circuit: 0 } });
  });

  it('leaves after the call itself', async () => {
    const { client, sent } = mirrored({}, well);
    await client.get('/');
    await turn();
    expect(sent).toEqual(['call', 'copy']);
  });

  it('ends with its timeout, and with the client', async () => {
    const signals: { aborted: boolean }[] = [];
    const hangs: Shadow = (config) => {
      signals.push(config.signal as never);
      return new Promise(() => {});
    };
    const { client } = mirrored({ timeout: 20 }, hangs);
    const ends: unknown[] = [];
    client.on('mirror.ended', ({ code }) => ends.push(code));
    await client.get('/');
    await until(() => ends.length > 0);
    expect(ends).toEqual(['ETIMEDOUT']);
    const other = mirrored({}, hangs);
    await other.client.get('/');
    await turn();
    await other.client.close();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('has a circuit of its own', async () => {
    const { client, copies } = mirrored({}, async (config) => ({ ...answer(config), status: 500 }));
    for (let i = 0; i < 40; i++) {
      await client.get('/');
      await turn();
    }
    expect(copies).toHaveLength(20);
    expect(mirrorOf(client)).toMatchObject({ failed: 20, circuit: 'open', skipped: { circuit: 20 } });
    const { circuitBreaker } = client.stats().policies as { circuitBreaker: Record<string, { failures: number }> };
    expect(circuitBreaker[baseURL]).toMatchObject({ state: 'closed', failures: 0 });
  });
});

describe('the call', () => {
  it.each<[string, Shadow]>([
    ['hangs', () => new Promise(() => {})],
    ['fails', async (config) => ({ ...answer(config), status: 500 })],
    ['rejects', async () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
  ])('is the same where the copy %s: result, line, counters', async (_, shadowed) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const { client, lines } = mirrored({}, shadowed);
    const response = await client.get('/');
    await turn();
    process.off('unhandledRejection', unhandled);
    expect(response.status).toBe(200);
    expect(lines.filter(({ level }) => level !== 'debug').map(({ fields }) => fields.attempts)).toEqual([1]);
    expect(lines.filter(({ level }) => level === 'debug')).toHaveLength(1);
    expect(client.stats()).toMatchObject({ calls: { started: 1, succeeded: 1, failed: 0 }, attempts: 1 });
    expect(unhandled).not.toHaveBeenCalled();
  });
});

it('1,000 copies over real sockets use few connections: their bodies are read', async () => {
  const upstream = await startHttp((_, response) => void response.end('ok'));
  const target = await startHttp((_, response) => void response.end('x'.repeat(10_000)));
  const { client } = watch({ baseURL: upstream.origin, mirror: [{ baseURL: target.origin }] });
  for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 10 }, () => client.get('/')));
  await until(() => target.requests.length === 1000);
  expect(target.connections.length).toBeLessThanOrEqual(64);
});
