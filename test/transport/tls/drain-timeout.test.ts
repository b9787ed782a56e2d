import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { HttpClientConfig } from 'pillion';
import { describe, expect, it } from 'vitest';
import { rejection, until, watch } from '../../support/client.js';
import { closing, startHttps } from '../../support/upstream.js';
import { lanes, mutual, oldAndNext, rotating, shown } from './rotating.js';

const { ca, server, old, next } = await oldAndNext();

/** A client under `old` whose calls may outlast a rotation by 100 ms, and an upstream that answers none of them. */
async function scene(config: HttpClientConfig = {}) {
  const held: { name: string; response: ServerResponse }[] = [];
  const upstream = await startHttps(mutual(server, ca), ({ socket }, response) => {
    held.push({ name: shown(socket), response });
  });
  const { identity, rotate } = rotating(old, { ca: ca.cert, reload: { interval: '1h', drainTimeout: '100ms' } });
  const { client } = watch({ baseURL: upstream.origin, retry: false, ...config }, { identity });
  const draining = () => (client.stats().policies.wire as { draining: number }).draining;
  return { ...upstream, client, rotate, held, draining };
}

const ended = { code: 'ECONNRESET', message: expect.stringMatching(/100 ms.*tls\.reload\.drainTimeout/) };

describe.each(lanes)('past tls.reload.drainTimeout on %s', (_, lane) => {
  it('a call that has no answer yet is ended with ECONNRESET', async () => {
    const { client, rotate, held, draining, connections } = await scene();
    const call = rejection(client.get('/', lane));
    await until(() => held.length === 1);
    rotate(next);
    expect(await call).toMatchObject({ code: 'ECONNRESET' });
    await closing(connections[0]);
    await until(() => draining() === 0);
  });

  it('the warning names the reason', async () => {
    const { client, rotate, held } = await scene();
    const call = rejection(client.get('/', lane));
    await until(() => held.length === 1);
    rotate(next);
    expect(await call).toMatchObject(ended);
  });

  it('a download is broken off with ECONNRESET', async () => {
    const { client, rotate, held, draining, connections } = await scene();
    const answer = client.get<Readable>('/', { ...lane, responseType: 'stream' });
    await until(() => held.length === 1);
    held[0]?.response.write('one ');
    const { data } = await answer;
    const received = rejection(text(data));
    rotate(next);
    expect(await received).toMatchObject({ code: 'ECONNRESET' });
    await closing(connections[0]);
    await until(() => draining() === 0);
  });

  it('a body that is being gathered is broken off with ECONNRESET', async () => {
    const { client, rotate, held, draining } = await scene();
    const answer = rejection(client.get('/', lane));
    await until(() => held.length === 1);
    await new Promise<void>((resolve) => held[0]?.response.write('one ', () => resolve()));
    rotate(next);
    expect(await answer).toMatchObject({ code: 'ECONNRESET' });
    await until(() => draining() === 0);
  });

  it('a call that may be repeated is, with the new certificate', async () => {
    const { client, rotate, held } = await scene({ retry: { maxRetries: 1, backoff: { base: 1 } } });
    const call = client.get('/', lane);
    await until(() => held.length === 1);
    rotate(next);
    await until(() => held.length === 2);
    held[1]?.response.end('at last');
    expect((await call).data).toBe('at last');
    expect(held.map(({ name }) => name)).toEqual(['old', 'next']);
  });

  it('a call that ends before is left alone, and so is the connection of the new certificate', async () => {
    const { client, rotate, held, connections, draining } = await scene();
    const before = client.get('/', lane);
    await until(() => held.length === 1);
    const straggler = rejection(client.get('/', lane));
    await until(() => held.length === 2);
    rotate(next);
    const after = client.get('/', lane);
    held[0]?.response.end('in time');
    expect((await before).data).toBe('in time');
    expect(await straggler).toMatchObject({ code: 'ECONNRESET' });
    await until(() => draining() === 0);
    await until(() => held.length === 3);
    held[2]?.response.end('new');
    expect((await after).data).toBe('new');
    expect(held[2]?.name).toBe('next');
    expect(connections).toHaveLength(3);
  });
});

it('with `reload: false` a refresh by hand lets a call in flight end', async () => {
  const held: ServerResponse[] = [];
  const { origin } = await startHttps(mutual(server, ca), (_, response) => held.push(response));
  const { identity, rotate } = rotating(old, { ca: ca.cert, reload: false });
  const { client } = watch({ baseURL: origin, retry: false }, { identity });
  const call = client.get('/').then(
    ({ data }) => data,
    ({ message }) => message,
  );
  await until(() => held.length === 1);
  rotate(next);
  const after = client.get('/');
  after.catch(() => {});
  await until(() => held.length === 2);
  for (const response of held) response.end('slow');
  expect(await call).toBe('slow');
});
