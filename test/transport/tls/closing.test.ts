import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { rejection, until, watch } from '../../support/client.js';
import { closing, startHttps } from '../../support/upstream.js';
import { lanes, mutual, oldAndNext, rotating } from './rotating.js';

const { ca, server, old, next } = await oldAndNext();

describe.each(lanes)('a client closed while calls of before a rotation run on %s', (_, lane) => {
  /** A call under the old certificate and one under the new, both without an answer. */
  async function scene() {
    const held: ServerResponse[] = [];
    const upstream = await startHttps(mutual(server, ca), (_request, response) => held.push(response));
    const { identity, rotate } = rotating(old, { ca: ca.cert });
    const { client } = watch({ baseURL: upstream.origin, retry: false }, { identity });
    const before = client.get<Readable>('/', { ...lane, responseType: 'stream' });
    before.catch(() => {});
    await until(() => held.length === 1);
    rotate(next);
    const after = client.get('/', lane);
    after.catch(() => {});
    await until(() => held.length === 2);
    return { ...upstream, client, identity, rotate, before, after, held };
  }

  it('waits for all of them', async () => {
    const { client, before, after, held, connections } = await scene();
    let closed = false;
    const close = client.close().then(() => {
      closed = true;
    });
    held[1]?.end('after');
    expect((await after).data).toBe('after');
    held[0]?.write('one ');
    const received = text((await before).data);
    expect(closed).toBe(false);
    held[0]?.end('two');
    expect(await received).toBe('one two');
    await close;
    for (const connection of connections) await closing(connection);
  });

  it('ends all of them after the grace', async () => {
    const { client, before, after, connections } = await scene();
    await client.close({ grace: 50 });
    expect((await rejection(before)).code).toBe('ERR_CLOSED');
    expect((await rejection(after)).code).toBe('ERR_CLOSED');
    for (const connection of connections) await closing(connection);
  });

  it('makes no connection for a rotation that follows', async () => {
    const { client, rotate, connections } = await scene();
    await client.close({ grace: 0 });
    const { draining } = client.stats().policies.wire as { draining: number };
    rotate(old);
    expect(client.stats().policies.wire).toMatchObject({ draining });
    for (const connection of connections) await closing(connection);
    expect(connections).toHaveLength(2);
  });
});
