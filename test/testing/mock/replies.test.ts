import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isAxiosError } from 'axios';
import { holdReply, type Reply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

fakeTimers();

const answer = (reply: Reply, options = {}) => scripted([reply], { retry: false }).client.get('/', options);

describe('a reply', () => {
  it('as a number is a bare status', async () => {
    const response = await answer(204);
    expect(response).toMatchObject({ status: 204, data: '' });
  });

  it('with nothing but data is a 200 with JSON', async () => {
    const response = await answer({ data: { n: 1, list: [true, null] } });
    expect(response).toMatchObject({ status: 200, data: { n: 1, list: [true, null] } });
    expect(response.headers['content-type']).toBe('application/json');
  });

  it.each([[0], [false], [null], [[1, 2]]])('with data %j is JSON too', async (data) => {
    expect((await answer({ data })).data).toEqual(data);
  });

  it('with a string or a Buffer is sent as it is', async () => {
    expect((await answer({ data: 'plain' })).data).toBe('plain');
    const response = await answer({ data: Buffer.from('bytes') });
    expect(response.data).toBe('bytes');
    expect(response.headers['content-type']).toBeUndefined();
  });

  it('has status, statusText and headers as given', async () => {
    const reply = { status: 201, statusText: 'Made', headers: { ETag: '"1"', 'set-cookie': ['a=1', 'b=2'] } };
    const response = await answer(reply);
    expect(response).toMatchObject({ status: 201, statusText: 'Made' });
    expect(response.headers).toMatchObject({ etag: '"1"', 'set-cookie': ['a=1', 'b=2'] });
  });

  it('may have a content type of its own', async () => {
    const response = await answer({ data: { a: 1 }, headers: { 'Content-Type': 'application/problem+json' } });
    expect(Object.entries(response.headers)).toEqual([['content-type', 'application/problem+json']]);
  });

  it('has header names that the policies know, whatever their case', async () => {
    const { client, transport } = scripted([{ status: 503, headers: { 'Retry-After': '1' } }, 200]);
    const response = client.get('/');
    await vi.advanceTimersByTimeAsync(999);
    expect(transport.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await response).status).toBe(200);
  });

  it('with a delay comes after it', async () => {
    const response = answer({ data: 'late', delay: 500 });
    let done = false;
    void response.then(() => {
      done = true;
    });
    await vi.advanceTimersByTimeAsync(499);
    expect(done).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await response).data).toBe('late');
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'CERT_HAS_EXPIRED', 'EPIPE'])(
    'as an error is a network failure: %s',
    async (code) => {
      const error = await rejection(answer({ error: code }));
      expect(isAxiosError(error)).toBe(true);
      expect(error.code).toBe(code);
      expect(error.response).toBeUndefined();
      expect(error.message).toContain(code);
    },
  );

  it('as an error may have a message and a delay', async () => {
    const failed = rejection(answer({ error: 'ECONNRESET', message: 'socket hang up', delay: 100 }));
    await vi.advanceTimersByTimeAsync(100);
    expect(await failed).toMatchObject({ code: 'ECONNRESET', message: 'socket hang up' });
  });

  it("as 'hang' never comes", async () => {
    const failed = rejection(answer('hang'));
    await vi.advanceTimersByTimeAsync(2500);
    expect((await failed).code).toBe('ERR_ATTEMPT_TIMEOUT');
  });

  it('as a function sees the request, and may be async or give any other reply', async () => {
    expect((await answer(({ method, path }) => ({ data: { method, path } }))).data).toEqual({
      method: 'GET',
      path: '/',
    });
    expect((await answer(async () => 202)).status).toBe(202);
    expect((await rejection(answer(() => ({ error: 'EPIPE' })))).code).toBe('EPIPE');
    expect((await answer(() => () => 203)).status).toBe(203);
  });

  it('as a function that throws rejects with what it threw', async () => {
    const thrown = new Error('the test is wrong');
    const failing = () => {
      throw thrown;
    };
    expect(await rejection(answer(failing))).toBe(thrown);
  });
});

describe('a held reply', () => {
  it('tells when the request is there, and comes when given', async () => {
    const held = holdReply();
    const { client } = scripted([held]);
    const response = client.post('/orders', { id: 7 });
    expect(await held.arrived).toMatchObject({ method: 'POST', path: '/orders', body: { id: 7 } });
    held.reply({ data: 'done' });
    expect((await response).data).toBe('done');
  });

  it('may be given before the request comes', async () => {
    const held = holdReply();
    held.reply(202);
    expect((await answer(held)).status).toBe(202);
  });

  it('may be any reply, one with a delay or an error too', async () => {
    const held = holdReply();
    const failed = rejection(answer(held));
    held.reply({ error: 'ECONNRESET', delay: 10 });
    await vi.advanceTimersByTimeAsync(10);
    expect((await failed).code).toBe('ECONNRESET');
  });

  it('lets a test order a race', async () => {
    const first = holdReply();
    const second = holdReply();
    const { client } = scripted([first, second]);
    const order: string[] = [];
    const calls = [client.get('/1').then(() => order.push('first')), client.get('/2').then(() => order.push('second'))];
    await Promise.all([first.arrived, second.arrived]);
    second.reply(200);
    await calls[1];
    first.reply(200);
    await calls[0];
    expect(order).toEqual(['second', 'first']);
  });
});

describe('the body by responseType', () => {
  const data = { n: 1 };

  it('json is parsed', async () => {
    expect((await answer({ data }, { responseType: 'json' })).data).toEqual(data);
  });

  it('text is not', async () => {
    expect((await answer({ data }, { responseType: 'text' })).data).toBe('{"n":1}');
  });

  it('arraybuffer is a Buffer', async () => {
    expect((await answer({ data }, { responseType: 'arraybuffer' })).data).toEqual(Buffer.from('{"n":1}'));
    const bytes = Buffer.from([0, 255, 128]);
    expect((await answer({ data: bytes }, { responseType: 'arraybuffer' })).data).toEqual(bytes);
  });

  it('stream is a Node stream, of whatever was scripted', async () => {
    for (const body of [data, '{"n":1}', Buffer.from('{"n":1}'), Readable.from(['{"n":', '1}'])]) {
      const response = await answer({ data: body }, { responseType: 'stream' });
      expect(response.data).toBeInstanceOf(Readable);
      expect(await text(response.data)).toBe('{"n":1}');
    }
  });

  it('stream of nothing ends at once', async () => {
    expect(await text((await answer(200, { responseType: 'stream' })).data)).toBe('');
  });
});
