import { classify } from 'pillion';
import { describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { lanes, line, rejection, watch } from '../support/client.js';
import { closing, startHttp, startTcp } from '../support/upstream.js';

const timeouts = { connect: 150 };
const exhausted = ['retried'];

describe.each(lanes)('a TLS handshake on %s', (_, lane) => {
  it.each(['GET', 'POST'])('that stalls is ended by the connect timeout and made again for a %s', async (method) => {
    const { port, connections } = await startTcp((socket) => socket.resume());
    const { client, lines } = watch({ baseURL: `https://127.0.0.1:${port}`, timeouts });
    const error = await rejection(client.request({ ...lane, method, url: '/', data: { total: 1 } }));
    expect(error).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', isAxiosError: true, attempts: 3 });
    expect(error.message).toContain('150 ms');
    expect(connections).toHaveLength(3);
    await Promise.all(connections.map(closing));
    expect(lines).toEqual([
      line('error', { method, type: 'ERR_CONNECT_TIMEOUT', attempts: 3, flags: ['timeout', ...exhausted] }),
    ]);
  });

  it.each(['GET', 'POST'])('that is cut off is made again for a %s', async (method) => {
    const { port, connections } = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const { client, lines } = watch({ baseURL: `https://127.0.0.1:${port}` });
    const error = await rejection(client.request({ ...lane, method, url: '/' }));
    expect(error).toMatchObject({ code: 'ECONNRESET', attempts: 3 });
    expect(connections).toHaveLength(3);
    expect(lines).toEqual([line('error', { method, type: 'ECONNRESET', attempts: 3, flags: exhausted })]);
  });

  it.each(['GET', 'POST'])('that is closed in good order is made again for a %s', async (method) => {
    const { port, connections } = await startTcp((socket) => socket.once('data', () => socket.end()));
    const { client } = watch({ baseURL: `https://127.0.0.1:${port}` });
    const error = await rejection(client.request({ ...lane, method, url: '/' }));
    expect(error).toMatchObject({ code: 'ECONNRESET', attempts: 3 });
    expect(connections).toHaveLength(3);
  });

  it('with a server that speaks plain HTTP is not made again: it would fail again', async () => {
    const { origin, requests, connections } = await startHttp(answer());
    const { client, lines } = watch({ baseURL: origin.replace('http:', 'https:') });
    const error = await rejection(client.get('/', lane));
    expect(classify(error)).toBe('tls');
    expect(error).toMatchObject({ attempts: 1 });
    expect(connections).toHaveLength(1);
    expect(requests).toEqual([]);
    expect(lines).toEqual([line('error', { type: error.code, attempts: 1 })]);
  });

  it('that stalls is ended by the attempt timeout where that comes first', async () => {
    const { port, connections } = await startTcp((socket) => socket.resume());
    const { client } = watch({ baseURL: `https://127.0.0.1:${port}`, timeouts: { attempt: 150, connect: false } });
    const error = await rejection(client.get('/', { ...lane, retry: false }));
    expect(error).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT', attempts: 1 });
    await closing(connections[0]);
  });
});

describe.each(lanes)('the connect timeout on %s', (_, lane) => {
  it('does not run on once the connection is there', async () => {
    const slow = (_: unknown, response: { end(text: string): void }) => setTimeout(() => response.end('slow'), 250);
    const { origin } = await startHttp(slow);
    const { client } = watch({ baseURL: origin, timeouts });
    expect((await client.get('/', lane)).data).toBe('slow');
  });
});
