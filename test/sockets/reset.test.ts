import { text } from 'node:stream/consumers';
import { classify } from 'pillion';
import { describe, expect, it } from 'vitest';
import { answer, garbage, hangUp, hangUpInBody, reset, resetInBody } from '../support/behaviours.js';
import { lanes, line, rejection, watch } from '../support/client.js';
import { type Behaviour, startHttp } from '../support/upstream.js';

const exhausted = ['retried'];

/** How a connection may be lost once the request is on its way, and the code of the error. */
const losses: [string, Behaviour, string][] = [
  ['reset before headers', reset, 'ECONNRESET'],
  ['closed before headers', hangUp, 'ECONNRESET'],
  ['reset in the body', resetInBody, 'ECONNRESET'],
  ['closed in the body', hangUpInBody, 'ECONNRESET'],
];

describe.each(lanes)('a connection on %s', (_, lane) => {
  describe.each(losses)('%s', (_name, loss, code) => {
    it('is tried again for a GET, until there are no retries left', async () => {
      const { origin, requests } = await startHttp(loss);
      const { client, lines } = watch({ baseURL: origin });
      const error = await rejection(client.get('/', lane));
      expect(error).toMatchObject({ code, isAxiosError: true, attempts: 3 });
      expect(error).not.toHaveProperty('response');
      expect(requests).toHaveLength(3);
      expect(lines).toEqual([line('error', { type: code, attempts: 3, flags: exhausted })]);
    });

    it('is tried again for a GET, which then succeeds', async () => {
      const { origin, requests } = await startHttp(loss, answer(200, 'at last'));
      const { client, lines } = watch({ baseURL: origin });
      expect((await client.get('/', lane)).data).toBe('at last');
      expect(requests).toHaveLength(2);
      expect(lines).toEqual([line('info', { status: 200, attempts: 2, flags: ['retried'] })]);
    });

    it('is not tried again for a POST: it may have been worked on', async () => {
      const { origin, requests } = await startHttp(loss);
      const { client, lines } = watch({ baseURL: origin });
      expect(await rejection(client.post('/', { total: 1 }, lane))).toMatchObject({ code, attempts: 1 });
      expect(requests).toHaveLength(1);
      expect(lines).toEqual([line('error', { method: 'POST', type: code, attempts: 1 })]);
    });

    it('is tried again for a POST with a key, the same on every attempt', async () => {
      const { origin, requests } = await startHttp(loss, answer(201));
      const { client } = watch({ baseURL: origin });
      const { status } = await client.post('/', { total: 1 }, { ...lane, idempotencyKey: true });
      expect(status).toBe(201);
      const keys = requests.map(({ headers }) => headers['idempotency-key']);
      expect(keys).toEqual([expect.stringMatching(/^[\da-f-]{36}$/), keys[0]]);
      expect(requests.map(({ body }) => body)).toEqual(['{"total":1}', '{"total":1}']);
    });
  });

  it.each(losses.slice(2))(
    '%s breaks a stream that was handed over, and nothing is tried again',
    async (_name, loss, code) => {
      const { origin, requests } = await startHttp(loss);
      const { client, lines } = watch({ baseURL: origin });
      const { data, status } = await client.get('/', { ...lane, responseType: 'stream' });
      expect(status).toBe(200);
      expect(await rejection(text(data))).toMatchObject({ code });
      expect(requests).toHaveLength(1);
      expect(lines).toEqual([line('info', { status: 200, attempts: 1 })]);
    },
  );

  it('that speaks something else than HTTP is tried again for a GET and not for a POST', async () => {
    const { origin, requests } = await startHttp(garbage);
    const { client, lines } = watch({ baseURL: origin });
    const got = await rejection(client.get('/', lane));
    const posted = await rejection(client.post('/', {}, lane));
    expect([classify(got), classify(posted)]).toEqual(['reset', 'reset']);
    expect(got).toMatchObject({ attempts: 3, message: expect.stringContaining('Expected HTTP/') });
    expect(posted).toMatchObject({ attempts: 1 });
    expect(requests).toHaveLength(4);
    expect(lines).toEqual([
      line('error', { type: got.code, attempts: 3, flags: exhausted }),
      line('error', { method: 'POST', type: posted.code, attempts: 1 }),
    ]);
  });
});
