import type { RecordedRequest } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

fakeTimers({ now: new Date('2026-03-01T12:00:00Z') });

async function recorded(
  use: (client: ReturnType<typeof scripted>['client']) => Promise<unknown>,
): Promise<RecordedRequest> {
  const { client, transport } = scripted([200]);
  await use(client);
  const [request] = transport.requests;
  if (request === undefined) throw new Error('nothing reached the wire');
  return request;
}

describe('what is recorded', () => {
  it('is the request as it reached the wire', async () => {
    const options = { params: { page: 2, q: 'a b' }, headers: { 'X-Mixed-Case': '1', 'X-None': null } };
    const request = await recorded((client) => client.post('/items', { id: 7 }, options));
    expect(request).toEqual({
      method: 'POST',
      url: `${baseURL}/items?page=2&q=a+b`,
      path: '/items',
      query: { page: '2', q: 'a b' },
      headers: {
        accept: 'application/json, text/plain, */*',
        'content-type': 'application/json',
        'x-mixed-case': '1',
        'x-request-id': expect.any(String),
      },
      body: { id: 7 },
      attempt: 1,
      at: Date.parse('2026-03-01T12:00:00Z'),
    });
  });

  it.each<[string, unknown, object, unknown]>([
    ['JSON is parsed', { a: [1] }, {}, { a: [1] }],
    ['a text stays a text', 'a=1', {}, 'a=1'],
    ['JSON that is none stays a text', 'nonsense', { 'content-type': 'application/json' }, 'nonsense'],
    ['a form stays as it was sent', new URLSearchParams({ a: '1' }), {}, 'a=1'],
    ['a Buffer stays a Buffer', Buffer.from('bytes'), {}, Buffer.from('bytes')],
    ['nothing stays undefined', undefined, {}, undefined],
  ])('%s', async (_, data, headers, body) => {
    const request = await recorded((client) => client.put('/', data, { headers: headers as Record<string, string> }));
    expect(request.body).toEqual(body);
  });

  it('counts attempts within their call, and notes the time of each', async () => {
    const { client, transport } = scripted([503, 503, 200, 200], {}, { random: () => 0.5 });
    const response = client.get('/one');
    await vi.runAllTimersAsync();
    await response;
    await client.get('/two');
    expect(transport.requests.map(({ path, attempt }) => [path, attempt])).toEqual([
      ['/one', 1],
      ['/one', 2],
      ['/one', 3],
      ['/two', 1],
    ]);
    const [first = 0, second = 0, third = 0] = transport.requests.map(({ at }) => at);
    expect([second - first, third - second]).toEqual([25, 50]);
  });

  it('is frozen, all the way down', async () => {
    const request = await recorded((client) => client.post('/', { list: [{ deep: 1 }] }, { params: { a: 1 } }));
    const write = request as unknown as Record<string, Record<string, unknown>>;
    const body = request.body as { list: { deep: number }[] };
    expect(() => Object.assign(write, { method: 'GET' })).toThrow(TypeError);
    expect(() => Object.assign(write.headers ?? {}, { accept: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(write.query ?? {}, { a: 'x' })).toThrow(TypeError);
    expect(() => body.list.push({ deep: 2 })).toThrow(TypeError);
    expect(() => Object.assign(body.list[0] ?? {}, { deep: 2 })).toThrow(TypeError);
  });

  it('does not change with what happens to the request later', async () => {
    const { client, transport } = scripted(
      [503, 200],
      {},
      {
        perAttempt: [
          (next) => async (request) => {
            try {
              return await next(request);
            } finally {
              request.headers.set('x-later', 'added');
              request.headers.delete('accept');
            }
          },
        ],
      },
    );
    const response = client.get('/', { headers: { 'x-own': '1' } });
    await vi.runAllTimersAsync();
    const { config } = await response;
    config.headers.set('x-own', '2');
    for (const { headers } of transport.requests) {
      expect(headers).toMatchObject({ 'x-own': '1', accept: 'application/json, text/plain, */*' });
      expect(headers).not.toHaveProperty('x-later');
    }
  });

  it('leaves a body that is not plain data usable', async () => {
    const body = Buffer.from('abc');
    const request = await recorded((client) => client.post('/', body));
    expect(Object.isFrozen(body)).toBe(false);
    expect(request.body).toBeInstanceOf(Buffer);
  });

  it('has every header with several values', async () => {
    const request = await recorded((client) => client.get('/', { headers: { 'x-list': ['a', 'b'] as never } }));
    expect(request.headers['x-list']).toMatch(/^a,\s?b$/);
  });
});
