/** Which recorded exchange answers a request, and what is said where none does. */
import { Readable } from 'node:stream';
import { assertAttempts, type createMockTransport, type RecordedRequest } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/client.js';
import { exchangesIn, over, place, recording, replaying } from './fixture-scene.js';

const echo = { reply: ({ body, url }: RecordedRequest) => ({ data: { body, url } }) };

describe('a request is known', () => {
  it('whatever the order of parameters, fields and exchanges', async () => {
    const file = place();
    const recorded = recording(file, [201, 202, 203]);
    await recorded.get('/x?a=1&b=2&b=3');
    await recorded.post('/y', { a: 1, b: { c: 2, d: 3 } });
    await recorded.post('/y', new URLSearchParams('a=1&b=2'));
    const replayed = replaying(file);
    expect((await replayed.post('/y', new URLSearchParams('b=2&a=1'))).status).toBe(203);
    expect((await replayed.post('/y', { b: { d: 3, c: 2 }, a: 1 })).status).toBe(202);
    expect((await rejection(replayed.get('/x?b=3&b=2&a=1'))).message).toContain('query.b[0] is "3", not "2"');
    expect((await replayed.get('/x?b=2&a=1&b=3')).status).toBe(201);
    expect(() => replayed.transport.assertDone()).toThrow('query.b[0]');
  });

  it('many times at once, each answer once, in the order of the recording', async () => {
    const file = place();
    let count = 0;
    const recorded = recording(file, [{ reply: () => ({ data: { n: ++count } }) }]);
    await Promise.all(Array.from({ length: 20 }, () => recorded.get('/x')));
    const replayed = replaying(file);
    const answers = await Promise.all(Array.from({ length: 20 }, () => replayed.get('/x')));
    expect(answers.map(({ data }) => data.n)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('by its host where the file knows that, else by any', async () => {
    const file = place();
    const absolute = { baseURL: undefined } as never;
    const recorded = recording(file, [echo], {}, absolute);
    for (const host of ['a', 'b']) await recorded.get(`http://${host}.test/x`);
    const replayed = replaying(file, {}, absolute);
    expect((await replayed.get('http://b.test/x')).data.url).toBe('http://b.test/x');
    expect((await rejection(replayed.get('http://b.test/x'))).message).toContain(
      'The nearest, GET http://b.test/x, was recorded as often as it has answered now',
    );
    expect((await replayed.get('http://127.0.0.1:1/x')).data.url).toBe('http://a.test/x');
  });

  it('by headers only where they are named', async () => {
    const file = place();
    const recorded = recording(file, [201, 202]);
    for (const tenant of ['a', 'b']) await recorded.get('/x', { headers: { 'x-tenant': tenant } });
    const named = replaying(file, { matchHeaders: ['X-Tenant'] });
    expect((await rejection(named.get('/x'))).message).toContain('headers.x-tenant is absent, not "a"');
    expect((await named.get('/x', { headers: { 'x-tenant': 'b' } })).status).toBe(202);
    expect((await replaying(file).get('/x')).status).toBe(201);
  });

  it('without what is ignored, in queries, JSON and forms', async () => {
    const file = place();
    const send = async (client: ReturnType<typeof replaying>, nonce: string) => {
      await client.post(`/x?nonce=${nonce}`, { list: [{ sent_at: nonce, id: 1 }] });
      await client.post('/y', new URLSearchParams({ Nonce: nonce, id: '1' }));
    };
    await send(recording(file, [200, 200]), '1');
    await send(replaying(file, { ignore: ['nonce', 'sentAt'] }), '2');
    expect((await rejection(send(replaying(file), '2'))).message).toContain('query.nonce[0] is "2", not "1"');
  });

  it('with a FormData by its fields and the size of its files', async () => {
    const file = place();
    const form = (note: string, size: number) => {
      const data = new FormData();
      data.append('note', note);
      data.append('password', 'x');
      data.append('file', new Blob(['x'.repeat(size)], { type: 'text/plain' }), 'a.txt');
      return data;
    };
    await recording(file, [200]).post('/x', form('a', 3));
    const { message } = await rejection(replaying(file).post('/x', form('b', 4)));
    expect(message).toContain('body[0][1] is "b", not "a"');
    expect(message).toContain('body[2][1] is "a.txt (text/plain, 4 bytes)", not "a.txt (text/plain, 3 bytes)"');
    await replaying(file).post('/x', form('a', 3));
  });

  it('with a body that is a stream or a Blob by the rest of it', async () => {
    const file = place();
    const bodies = () => [Readable.from(['abc']), new Blob(['abc'])];
    const recorded = recording(file, [200, 200]);
    for (const body of bodies()) await recorded.post('/x', body);
    expect(exchangesIn(file).map(({ request }) => request.unread)).toEqual(['stream', 'blob of 3 bytes']);
    const replayed = replaying(file);
    for (const body of bodies()) await replayed.post('/x', body);
    replayed.transport.assertDone();
  });

  it('with its secrets masked, whatever they are now', async () => {
    const file = place();
    const ask = (client: ReturnType<typeof replaying>, secret: string) =>
      client.post(`/users/${secret}?token=${secret}&a=1`, { auth: { user: secret }, note: `is ${secret}!` });
    await ask(recording(file, [200]), 's3cr3t-of-old');
    await ask(replaying(file), 'another-0ne');
    expect(
      (await rejection(replaying(file).post('/users/x', { auth: { user: 'y' }, note: 'was y!' }))).message,
    ).toContain('body.note is "was y!", not "is ***!"');
  });
});

describe('a request that nothing answers', () => {
  it('is told of by assertDone too, where the code under test swallowed the error', async () => {
    const file = place();
    await recording(file, [200]).get('/x');
    const replayed = replaying(file);
    await replayed.get('/y').catch(() => {});
    await replayed.get('/x');
    expect(() => replayed.transport.assertDone()).toThrow('has no answer for GET /y');
  });

  it('shows no secret in its error', async () => {
    const file = place();
    await recording(file, [200]).post('/x', { a: 1 });
    const secret = 'hunter2-hunter2';
    const { message } = await rejection(
      replaying(file).post(`/x?api_key=${secret}`, { a: 1, b: `say ${secret}`, password: secret }),
    );
    expect(message).toContain('api_key=***');
    expect(message).not.toContain(secret);
  });
});

it('assertions read the requests of a fixture', async () => {
  const file = place();
  await recording(file, [503, 200]).get('/x');
  const replayed = replaying(file);
  await replayed.get('/x');
  assertAttempts(replayed.transport, 2, { path: '/x' });
});

it('an upstream of any kind may be recorded: one that rejects by status, one that gives objects', async () => {
  const file = place();
  const status = Object.assign(new Error('404'), { response: { status: 404, headers: {}, data: { why: 'gone' } } });
  const answers = [
    Promise.reject(status),
    Promise.resolve({ status: 200, statusText: '', headers: {}, data: { a: 1 } }),
  ];
  answers[0]?.catch(() => {});
  const upstream = (() => answers.shift()) as unknown as ReturnType<typeof createMockTransport>;
  const recorded = over(file, { mode: 'record', upstream });
  const seen = [(await rejection(recorded.get('/x'))).status, (await recorded.get('/y')).data];
  const replayed = replaying(file);
  expect([(await rejection(replayed.get('/x'))).status, (await replayed.get('/y')).data]).toEqual(seen);
  expect(seen).toEqual([404, { a: 1 }]);
});
