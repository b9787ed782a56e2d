/** What failed when it was recorded fails in the same way when it is replayed. */
import { createServer } from 'node:net';
import { createMockTransport, holdReply } from 'pillion/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejection, until } from '../support/client.js';
import { closedPort, startHttp, startTcp } from '../support/upstream.js';
import { exchangesIn, over, place, recording, replaying } from './fixture-scene.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('a failure of the wire', () => {
  it('of no connection repeats a POST, as the real one did', async () => {
    const file = place();
    const baseURL = `http://127.0.0.1:${await closedPort()}`;
    const real = await rejection(over(file, { mode: 'record' }, { baseURL }).post('/x', {}));
    const replayed = await rejection(replaying(file).post('/x', {}));
    expect([real.code, real.attempts]).toEqual(['ECONNREFUSED', 3]);
    expect([replayed.code, replayed.attempts, replayed.message]).toEqual([real.code, 3, real.message]);
    expect(exchangesIn(file)[0]?.error).toMatchObject({ code: 'ECONNREFUSED', unsent: true });
  });

  it('of a connection that broke does not', async () => {
    const file = place();
    const upstream = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const baseURL = `http://127.0.0.1:${upstream.port}`;
    const real = await rejection(over(file, { mode: 'record' }, { baseURL }).post('/x', {}));
    const replayed = await rejection(replaying(file).post('/x', {}));
    expect([real.code, real.attempts]).toEqual(['ECONNRESET', 1]);
    expect([replayed.code, replayed.attempts]).toEqual(['ECONNRESET', 1]);
    expect(exchangesIn(file)[0]?.error).not.toHaveProperty('unsent');
  });

  it('of a handshake that was cut short, with the code of a reset, repeats it all the same', async () => {
    const file = place();
    const upstream = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const baseURL = `https://127.0.0.1:${upstream.port}`;
    const real = await rejection(over(file, { mode: 'record' }, { baseURL }).post('/x', {}));
    expect([real.code, real.attempts]).toEqual(['ECONNRESET', 3]);
    expect((await rejection(replaying(file).post('/x', {}))).attempts).toBe(3);
  });
});

describe('an attempt that took too long', () => {
  it('fails by the same code, at once', async () => {
    vi.useFakeTimers();
    const file = place();
    const config = { timeouts: { attempt: '1s' } } as const;
    const recorded = recording(file, ['hang', 200], {}, config).get('/x');
    await vi.advanceTimersByTimeAsync(1001);
    expect((await recorded).status).toBe(200);
    expect(exchangesIn(file).map(({ error, response }) => error?.code ?? response?.status)).toEqual([
      'ERR_ATTEMPT_TIMEOUT',
      200,
    ]);
    const replayed = replaying(file, {}, config);
    const answer = replayed.get('/x');
    await vi.advanceTimersByTimeAsync(1);
    expect((await answer).status).toBe(200);
    expect(replayed.stats().attempts).toBe(2);
  });
});

describe('an attempt that was given up', () => {
  it('because a hedge was faster waits again, and the hedge is faster again', async () => {
    vi.useFakeTimers();
    const file = place();
    const config = { hedging: { delay: '100ms', budget: 1 } } as const;
    const ask = async (client: ReturnType<typeof replaying>) => {
      const answer = client.get('/x');
      await vi.advanceTimersByTimeAsync(100);
      return [(await answer).data, client.stats().attempts];
    };
    expect(await ask(recording(file, ['hang', { data: 'hedge' }], {}, config))).toEqual(['hedge', 2]);
    await vi.advanceTimersByTimeAsync(0);
    expect(exchangesIn(file).map(({ hang }) => hang)).toEqual([true, undefined]);
    expect(await ask(replaying(file, {}, config))).toEqual(['hedge', 2]);
  });

  it('by the caller waits again until the caller gives up', async () => {
    const file = place();
    const ask = async (client: ReturnType<typeof replaying>, asked: Promise<unknown>) => {
      const controller = new AbortController();
      const failed = rejection(client.get('/x', { signal: controller.signal }));
      await asked;
      controller.abort();
      return (await failed).code;
    };
    const held = holdReply();
    expect(await ask(recording(file, [held]), held.arrived)).toBe('ERR_CANCELED');
    await until(() => exchangesIn(file)[0]?.hang === true);
    expect(await ask(replaying(file), Promise.resolve())).toBe('ERR_CANCELED');
  });
});

describe('the connections of a recording', () => {
  it('are closed with the transport, and the file is complete by then', async () => {
    const upstream = await startHttp((_, response) => response.end('{}'));
    const file = place();
    {
      await using recorded = over(file, { mode: 'record' }, { baseURL: upstream.origin }).transport;
      expect(recorded.mode).toBe('record');
      const client = over(file, { mode: 'record' }, { baseURL: upstream.origin });
      await client.get('/x');
      await client.transport.close();
    }
    await upstream.connections[0]?.closed;
    expect(upstream.connections).toHaveLength(1);
    expect(exchangesIn(file)).toHaveLength(1);
  });

  it('are none where it replays', async () => {
    const file = place();
    await recording(file, [200]).get('/x');
    const listening = vi.fn();
    const server = createServer(listening).listen(0);
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    await replaying(file, {}, { baseURL: `http://127.0.0.1:${port}` }).get('/x');
    expect(listening).not.toHaveBeenCalled();
  });

  it('of an upstream that was given are left alone', async () => {
    const upstream = Object.assign(createMockTransport([200]), { close: () => Promise.reject(new Error('not yours')) });
    const recorded = over(place(), { mode: 'record', upstream });
    await recorded.get('/x');
    await recorded.transport.close();
  });
});
