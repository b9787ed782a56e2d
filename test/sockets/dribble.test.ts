import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { dribble } from '../support/behaviours.js';
import { lanes, line, pause, rejection, watch } from '../support/client.js';
import { closing, startHttp } from '../support/upstream.js';

describe.each(lanes)('a body that dribbles for ever, on %s', (_, lane) => {
  it('is ended by the attempt timeout where it is buffered, although bytes keep coming', async () => {
    const { origin, requests, connections } = await startHttp(dribble);
    const { client, lines } = watch({ baseURL: origin, timeouts: { attempt: 150 } });
    const error = await rejection(client.get('/', lane));
    expect(error).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT', attempts: 3 });
    expect(requests).toHaveLength(3);
    await Promise.all(requests.map(({ connection }) => closing(connections[connection])));
    const flags = ['timeout', 'retried'];
    expect(lines).toEqual([line('error', { type: 'ERR_ATTEMPT_TIMEOUT', attempts: 3, flags })]);
  });

  it('is ended by the deadline where there is no attempt timeout', async () => {
    const { origin, requests, connections } = await startHttp(dribble);
    const { client, lines } = watch({ baseURL: origin, timeouts: { attempt: false, total: 200 } });
    const error = await rejection(client.get('/', lane));
    expect(error).toMatchObject({ code: 'ERR_DEADLINE', attempts: 1 });
    expect(requests).toHaveLength(1);
    await closing(connections[0]);
    expect(lines).toEqual([line('error', { type: 'ERR_DEADLINE', attempts: 1, flags: ['deadline'] })]);
  });

  it('is ended by the deadline where the call was not to be repeated', async () => {
    const { origin, connections } = await startHttp(dribble);
    const { client } = watch({ baseURL: origin, timeouts: { attempt: false, total: 200 } });
    expect(await rejection(client.post('/', {}, lane))).toMatchObject({ code: 'ERR_DEADLINE', attempts: 1 });
    await closing(connections[0]);
  });

  it('reads on as a stream past the attempt timeout, which ends with the headers, until the deadline', async () => {
    const { origin, connections } = await startHttp(dribble);
    const { client, lines } = watch({ baseURL: origin, timeouts: { attempt: 150, total: 500 } });
    const { data } = await client.get<Readable>('/', { ...lane, responseType: 'stream' });
    expect(lines).toEqual([line('info', { status: 200, attempts: 1 })]);
    const broken = rejection(text(data));
    await pause(250);
    expect(data.destroyed).toBe(false);
    expect(await broken).toMatchObject({ code: 'ERR_DEADLINE' });
    await closing(connections[0]);
  });

  it('that nobody reads is let go at the deadline without an error event', async () => {
    const { origin, connections } = await startHttp(dribble);
    const { client } = watch({ baseURL: origin, timeouts: { total: 300 } });
    await client.get('/', { ...lane, responseType: 'stream' });
    await closing(connections[0]);
    expect(client.stats().calls.active).toBe(0);
  });
});
