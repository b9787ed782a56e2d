/** createUndiciAdapter: the wire in an instance that somebody else made. */
import { Readable } from 'node:stream';
import axios, { type GenericAbortSignal } from 'axios';
import { createUndiciAdapter } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer, hang } from '../../support/behaviours.js';
import { rejection, until } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

function using() {
  const adapter = createUndiciAdapter();
  onTestFinished(() => adapter.destroy());
  return { adapter, http: axios.create({ adapter, proxy: false }) };
}

describe('createUndiciAdapter', () => {
  it('refuses bad options with all their faults', () => {
    const bad = { maxConnection: 1, maxOrigins: 0, connectTimeout: 'soon', tls: { cert: '/nowhere.crt' } };
    expect(() => createUndiciAdapter(bad as never)).toThrowError(
      expect.objectContaining({
        code: 'ERR_CONFIG',
        message: expect.stringMatching(
          /createUndiciAdapter: .*maxOrigins.*tls\.key: cert and key must be given together.*connectTimeout: expected milliseconds.*maxConnection: unknown option, did you mean "maxConnections"\?/,
        ),
      }),
    );
  });

  it('refuses TLS material that cannot be used when it is made, not at the first call', () => {
    expect(() => createUndiciAdapter({ tls: { ca: '/nowhere.crt' } })).toThrowError(
      /tls\.ca \(\/nowhere\.crt\): there is no such file/,
    );
  });

  it('hands back the very config of the call, with the answer and with an error', async () => {
    const { origin } = await startHttp(answer(), answer(404));
    const { http } = using();
    const seen: unknown[] = [];
    http.interceptors.request.use((config) => {
      seen.push(config);
      return config;
    });
    const options = { timeout: 1000, cancelToken: axios.CancelToken.source().token };
    expect(JSON.stringify((await http.get(origin, options)).config.url)).toBe(JSON.stringify(origin));
    const error = await rejection(http.get(origin, options));
    expect(error.config).toBe((error.response as { config: unknown }).config);
    expect((error.config as { timeout: number }).timeout).toBe(1000);
  });

  it('is ended by a signal that only takes functions, and lets go of it', async () => {
    const { origin, requests } = await startHttp(hang);
    const { http } = using();
    const listeners = new Set<() => void>();
    const signal = {
      aborted: false,
      addEventListener: (_: string, listener: () => void) => listeners.add(listener),
      removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
    };
    const ended = rejection(http.get(origin, { signal: signal as unknown as GenericAbortSignal }));
    await until(() => requests.length === 1);
    signal.aborted = true;
    for (const listener of listeners) listener();
    expect((await ended).code).toBe('ERR_CANCELED');
    expect(listeners.size).toBe(0);
  });

  it('lets go of a stream that will not be sent, since nothing listens or the call is given up while it waits', async () => {
    const adapter = createUndiciAdapter({ maxConnections: 1 });
    onTestFinished(() => adapter.destroy());
    const http = axios.create({ adapter, proxy: false });
    const source = () => new Readable({ read() {} });
    const [refused, waiting] = [source(), source()];
    await rejection(http.post('http://127.0.0.1:1', refused));
    expect(refused.destroyed).toBe(true);

    const { origin, requests } = await startHttp(hang);
    const running = rejection(http.get(origin));
    await until(() => requests.length === 1);
    const controller = new AbortController();
    const ended = rejection(http.post(origin, waiting, { signal: controller.signal }));
    await until(() => adapter.stats().connections[origin]?.pending === 1);
    controller.abort();
    await ended;
    expect(waiting.destroyed).toBe(true);
    await adapter.destroy();
    await running;
  });

  it('counts which lane its requests took', async () => {
    const { origin } = await startHttp(answer());
    const { http, adapter } = using();
    await http.get(origin);
    await http.get(origin, { maxRate: 1_000_000 });
    expect(adapter.stats().lanes).toEqual({ undici: 1, http: 1 });
  });

  it('shares no connection with another one, and closes with the block it is used in', async () => {
    const { origin, connections } = await startHttp(answer());
    await usedAndDisposed(origin);
    await using().http.get(origin);
    expect(connections).toHaveLength(2);
    await connections[0]?.closed;
  });

  it('prints the whole error as axios does: hiding secrets is what a client adds', async () => {
    const { origin } = await startHttp(answer(500));
    const error = await rejection(using().http.get(origin, { headers: { 'x-a': 'b' } }));
    expect(JSON.stringify(error)).toContain('x-a');
  });
});

/** `await using`, spelt out: Node 20 does not know it. */
async function usedAndDisposed(origin: string): Promise<void> {
  const adapter = createUndiciAdapter();
  await axios.create({ adapter, proxy: false }).get(origin);
  await adapter[Symbol.asyncDispose]();
}
