import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { lanes, line, rejection, watch } from '../support/client.js';
import { closedPort } from '../support/upstream.js';

const refusingOrigin = async () => `http://127.0.0.1:${await closedPort()}`;

describe.each(lanes)('a refused connection on %s', (_, lane) => {
  it.each(['GET', 'POST', 'PATCH'])('is tried again for a %s: provably nothing was sent', async (method) => {
    const baseURL = await refusingOrigin();
    const { client, lines } = watch({ baseURL });
    const error = await rejection(client.request({ ...lane, method, url: '/invoices?id=7', data: { total: 1 } }));
    const url = `${baseURL}/invoices?id=REDACTED`;
    expect(error).toMatchObject({ code: 'ECONNREFUSED', isAxiosError: true, attempts: 3, method, url });
    expect(error).not.toHaveProperty('response');
    const flags = ['retried'];
    expect(lines).toEqual([line('error', { method, type: 'ECONNREFUSED', attempts: 3, flags })]);
    expect(lines[0]?.fields).toMatchObject({ 'url.full': url, destination: baseURL });
  });

  it('by every address of a name is one failure, with the code of the first', async () => {
    const { client, lines } = watch({ baseURL: `http://localhost:${await closedPort()}` });
    expect(await rejection(client.post('/', {}, lane))).toMatchObject({ code: 'ECONNREFUSED', attempts: 3 });
    expect(lines).toHaveLength(1);
  });

  it('is not tried again with a stream for a body, which may be half read', async () => {
    const { client, lines } = watch({ baseURL: await refusingOrigin() });
    const error = await rejection(client.put('/', Readable.from(['part', 'part']), lane));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', attempts: 1 });
    expect(lines).toEqual([line('error', { method: 'PUT', type: 'ECONNREFUSED', attempts: 1 })]);
  });

  it('is not tried again with `retry: false`', async () => {
    const { client } = watch({ baseURL: await refusingOrigin() });
    expect(await rejection(client.get('/', { ...lane, retry: false }))).toMatchObject({ attempts: 1 });
  });

  it('counts against the destination until its circuit opens', async () => {
    const { client, lines } = watch({ baseURL: await refusingOrigin(), circuitBreaker: { volumeThreshold: 3 } });
    await rejection(client.get('/', lane));
    const error = await rejection(client.get('/', lane));
    expect(error).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', attempts: 0, retryAfter: expect.any(Number) });
    expect(lines[1]).toEqual(line('error', { type: 'ERR_CIRCUIT_OPEN', attempts: 0, flags: ['circuit_open'] }));
  });
});
