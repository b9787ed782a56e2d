import { describe, expect, it } from 'vitest';
import { answer, hang } from '../support/behaviours.js';
import { lanes, line, pause, rejection, until, watch } from '../support/client.js';
import { closing, startHttp } from '../support/upstream.js';

const timeouts = { attempt: 150 };
const code = 'ERR_ATTEMPT_TIMEOUT';

describe.each(lanes)('an upstream that does not answer, on %s', (_, lane) => {
  it('is given up by the attempt timeout, its socket destroyed, and asked again for a GET', async () => {
    const { origin, requests, connections } = await startHttp(hang);
    const { client, lines } = watch({ baseURL: origin, timeouts });
    const error = await rejection(client.get('/', lane));
    expect(error).toMatchObject({ code, name: 'PillionError', isAxiosError: true, attempts: 3 });
    expect(error.message).toContain('150 ms');
    expect(requests).toHaveLength(3);
    await Promise.all(requests.map(({ connection }) => closing(connections[connection])));
    const flags = ['timeout', 'retried'];
    expect(lines).toEqual([line('error', { type: code, attempts: 3, flags })]);
  });

  it('is not asked again for a POST', async () => {
    const { origin, requests, connections } = await startHttp(hang);
    const { client, lines } = watch({ baseURL: origin, timeouts });
    expect(await rejection(client.post('/', { total: 1 }, lane))).toMatchObject({ code, attempts: 1 });
    expect(requests).toHaveLength(1);
    await closing(connections[0]);
    expect(lines).toEqual([line('error', { method: 'POST', type: code, attempts: 1, flags: ['timeout'] })]);
  });

  it('may answer the second time', async () => {
    const { origin } = await startHttp(hang, answer(200, 'awake'));
    const { client, lines } = watch({ baseURL: origin, timeouts });
    expect((await client.get('/', lane)).data).toBe('awake');
    expect(lines).toEqual([line('info', { status: 200, attempts: 2, flags: ['timeout', 'retried'] })]);
  });

  it('is given up by the deadline in the middle of an attempt, and not asked again', async () => {
    const { origin, requests, connections } = await startHttp(hang);
    const { client, lines } = watch({ baseURL: origin, timeouts: { attempt: false, total: 150 } });
    const error = await rejection(client.get('/', lane));
    expect(error).toMatchObject({ code: 'ERR_DEADLINE', attempts: 1 });
    expect(requests).toHaveLength(1);
    await closing(connections[0]);
    expect(lines).toEqual([line('error', { type: 'ERR_DEADLINE', attempts: 1, flags: ['deadline'] })]);
  });

  it("is given up by axios's own `timeout` of the call, as by a deadline", async () => {
    const { origin, connections } = await startHttp(hang);
    const { client } = watch({ baseURL: origin });
    expect(await rejection(client.get('/', { ...lane, timeout: 150 }))).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 150ms exceeded',
      attempts: 1,
    });
    await closing(connections[0]);
  });

  it('is not troubled with more connections than attempts', async () => {
    const { origin, connections } = await startHttp(hang);
    const { client } = watch({ baseURL: origin, timeouts });
    await rejection(client.get('/', lane));
    await pause(50);
    expect(connections).toHaveLength(3);
  });

  it('counts in the circuit like one that fails', async () => {
    const { origin } = await startHttp(hang);
    const { client } = watch({ baseURL: origin, timeouts, circuitBreaker: { volumeThreshold: 3 } });
    await rejection(client.get('/', lane));
    expect(await rejection(client.get('/', lane))).toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
  });

  it('does not hold up the calls that come after it', async () => {
    const { origin, connections } = await startHttp(hang, answer(200, 'next'));
    const { client } = watch({ baseURL: origin, timeouts, retry: false, limits: { maxRequests: 1 } });
    const hung = rejection(client.get('/', lane));
    await until(() => connections.length === 1);
    const next = client.get('/', { ...lane, timeouts: { attempt: false } });
    expect((await hung).code).toBe(code);
    expect((await next).data).toBe('next');
  });
});
