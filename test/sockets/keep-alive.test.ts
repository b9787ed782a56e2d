import { describe, expect, it } from 'vitest';
import { answer, hangUp, reset } from '../support/behaviours.js';
import { lanes, line, pause, rejection, watch } from '../support/client.js';
import { closing, startHttp } from '../support/upstream.js';

/** undici takes a socket back only after a turn of the event loop. */
const idle = () => pause(10);

describe.each(lanes)('a kept connection on %s', (_, lane) => {
  it('serves calls one after the other', async () => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    for (const method of ['GET', 'POST', 'DELETE']) {
      await client.request({ ...lane, method, url: '/' });
      await idle();
    }
    expect(requests.map(({ method, connection }) => [method, connection])).toEqual([
      ['GET', 0],
      ['POST', 0],
      ['DELETE', 0],
    ]);
  });

  it.each([204, 304, 404, 500])('survives an answer of status %d', async (status) => {
    const { origin, connections } = await startHttp(answer(status, ''), answer());
    const { client } = watch({ baseURL: origin, retry: false });
    await client.get('/', { ...lane, validateStatus: null });
    await idle();
    await client.get('/', lane);
    expect(connections).toHaveLength(1);
  });

  it('is not used again where the server asks for its end', async () => {
    const { origin, connections } = await startHttp(answer(200, 'bye', { connection: 'close' }), answer());
    const { client } = watch({ baseURL: origin });
    await client.get('/', lane);
    await closing(connections[0]);
    await client.get('/', lane);
    expect(connections).toHaveLength(2);
  });

  it('that the server has closed meanwhile is replaced unnoticed, for a POST too', async () => {
    const { origin, connections, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    await client.get('/', lane);
    connections[0]?.socket.end();
    await closing(connections[0]);
    await idle();
    await client.post('/', { total: 1 }, lane);
    expect(requests.map(({ connection }) => connection)).toEqual([0, 1]);
  });

  it('that nobody uses is let go before the server closes it, by the hint it gave', async () => {
    const { origin, connections } = await startHttp(answer(200, '', { 'keep-alive': 'timeout=1' }));
    const { client } = watch({ baseURL: origin });
    await client.get('/', lane);
    const idleSince = performance.now();
    await connections[0]?.closed;
    // Without the hint undici would keep it for 4 s, Node's agent for ever.
    expect(performance.now() - idleSince).toBeLessThan(2000);
  });

  it('is closed after `keepAliveTimeout` although the server would keep it for longer', async () => {
    const { origin, connections } = await startHttp(answer(200, '', { 'keep-alive': 'timeout=60' }));
    const { client } = watch({ baseURL: origin, connections: { keepAliveTimeout: 100 } });
    await client.get('/', lane);
    const idleSince = performance.now();
    await connections[0]?.closed;
    // undici looks at its timers each half second.
    expect(performance.now() - idleSince).toBeLessThan(2000);
  });

  describe.each([
    ['closes', hangUp],
    ['resets', reset],
  ])('that the server %s just as a request goes out', (_name, race) => {
    it('is replaced for a GET, which succeeds', async () => {
      const { origin, requests } = await startHttp(answer(), race, answer(200, 'second wind'));
      const { client, lines } = watch({ baseURL: origin });
      await client.get('/warm', lane);
      await idle();
      expect((await client.get('/', lane)).data).toBe('second wind');
      expect(requests.map(({ connection }) => connection)).toEqual([0, 0, 1]);
      expect(lines[1]).toEqual(line('info', { status: 200, attempts: 2, flags: ['retried'] }));
    });

    it('fails a POST with ECONNRESET: it may have been worked on', async () => {
      const { origin, requests } = await startHttp(answer(), race, answer());
      const { client, lines } = watch({ baseURL: origin });
      await client.get('/warm', lane);
      await idle();
      const error = await rejection(client.post('/', { total: 1 }, lane));
      expect(error).toMatchObject({ code: 'ECONNRESET', isAxiosError: true, attempts: 1 });
      expect(requests.map(({ connection }) => connection)).toEqual([0, 0]);
      expect(lines[1]).toEqual(line('error', { method: 'POST', type: 'ECONNRESET', attempts: 1 }));
    });

    it('is replaced for a POST with a key', async () => {
      const { origin, requests } = await startHttp(answer(), race, answer(201));
      const { client } = watch({ baseURL: origin });
      await client.get('/warm', lane);
      await idle();
      expect((await client.post('/', { total: 1 }, { ...lane, idempotencyKey: 'k-1' })).status).toBe(201);
      expect(requests.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, 'k-1', 'k-1']);
    });
  });

  it('is one of at most maxConnections; the calls after them wait for their turn', async () => {
    const slowly = (_: unknown, response: { end(): void }) => setTimeout(() => response.end(), 20);
    const { origin, connections, requests } = await startHttp(slowly);
    const { client } = watch({ baseURL: origin, limits: { maxRequests: 2 } });
    await Promise.all(Array.from({ length: 6 }, () => client.get('/', lane)));
    expect(requests).toHaveLength(6);
    expect(connections).toHaveLength(2);
  });
});

describe('a server that ends the connection with its answer and does not say so', () => {
  it('costs no POST its answer: a connection is used again only after a turn of the event loop', async () => {
    const { origin, connections, requests } = await startHttp(({ socket }, response) =>
      response.end('ok', () => socket.end()),
    );
    const { client } = watch({ baseURL: origin, retry: false });
    for (let count = 0; count < 10; count++) expect((await client.post('/', { count })).data).toBe('ok');
    expect(requests.map(({ connection }) => connection)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(connections).toHaveLength(10);
  });
});
