/** timeouts.idle: silence ends an attempt, whatever else it may take. */
import http from 'node:http';
import type { Readable } from 'node:stream';
import { createHttpClient, type HttpClientConfig } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pause, rejection, silent, until, watch } from '../../support/client.js';
import { overH2, startH2 } from '../../support/h2-server.js';
import { type Behaviour, startHttp } from '../../support/upstream.js';

function using(baseURL: string, config: HttpClientConfig = {}) {
  const timeouts = { total: false as const, attempt: false as const, idle: 150 };
  const client = createHttpClient({ baseURL, retry: false, ...config, timeouts }, { logger: silent, random: () => 0 });
  onTestFinished(() => client.close({ grace: 0 }));
  return client;
}

/** Sends `pieces` pieces, `ms` apart, the first at once; then ends, or stays silent. */
const dripping =
  (pieces: number, ms: number, ends = true): Behaviour =>
  (_, response) => {
    let sent = 0;
    const next = () => {
      if (response.destroyed) return;
      if (sent++ < pieces) {
        response.write('piece ');
        setTimeout(next, ms);
      } else if (ends) response.end();
    };
    next();
  };

/** Starts a server that leaves reading the request to `listener`. */
async function startRaw(listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener).listen(0);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await until(() => server.listening);
  const { port } = server.address() as { port: number };
  return `http://127.0.0.1:${port}`;
}

const ok: Behaviour = (_, response) => response.end('ok');

describe('an idle timeout', () => {
  it('ends an attempt that gets no answer, and names itself', async () => {
    const { origin } = await startHttp(() => {});
    const error = await rejection(using(origin).get('/'));
    expect(error).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
    expect(error.message).toBe('default: nothing was sent or received for 150 ms during the attempt, timeouts.idle.');
  });

  it('is retried like an attempt that took too long', async () => {
    const { origin, requests } = await startHttp(() => {}, ok);
    const client = using(origin, { retry: { on: ['5xx'] } });
    expect(await client.get('/')).toMatchObject({ data: 'ok' });
    expect(requests).toHaveLength(2);
  });

  it('never repeats a POST', async () => {
    const { origin, requests } = await startHttp(() => {}, ok);
    const client = using(origin, { retry: { on: ['5xx'] } });
    expect(await rejection(client.post('/', 'pay'))).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
    expect(requests).toHaveLength(1);
  });

  it.each([false, true])('lets an answer take long that keeps coming (HTTP stream: %s)', async (stream) => {
    const { origin } = await startHttp(dripping(6, 60));
    const { data } = await using(origin).get(`/`, stream ? { responseType: 'stream' } : {});
    let text = '';
    if (stream) for await (const chunk of data as Readable) text += chunk;
    expect(stream ? text : data).toBe('piece '.repeat(6));
  });

  it.each([false, true])('ends a body that stops coming (HTTP stream: %s)', async (stream) => {
    const { origin, connections } = await startHttp(dripping(2, 10, false));
    const read = async () => {
      const { data } = await using(origin).get(`/`, stream ? { responseType: 'stream' } : {});
      for await (const _ of data as Readable);
    };
    expect(await rejection(read())).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
    await connections[0]?.closed;
  });

  it('does not count the time for which the caller holds the answer back', async () => {
    const size = 4_000_000;
    const { origin } = await startHttp((_, response) => response.end(Buffer.alloc(size)));
    const { data } = await using(origin).get<Readable>('/', { responseType: 'stream' });
    let read = 0;
    for await (const chunk of data) {
      if (read === 0) await pause(400);
      read += (chunk as Buffer).length;
    }
    expect(read).toBe(size);
  });

  it('does not count the time after the last byte, which the caller has not read yet', async () => {
    const { origin } = await startHttp(ok);
    const { data } = await using(origin).get<Readable>('/', { responseType: 'stream' });
    await pause(300);
    let text = '';
    for await (const chunk of data) text += chunk;
    expect(text).toBe('ok');
  });

  it('does not count the time for which the source of a body gives nothing', async () => {
    const { origin, requests } = await startHttp(ok);
    async function* slowly() {
      await pause(300);
      yield 'a';
      await pause(300);
      yield 'b';
    }
    await using(origin).put('/', slowly());
    expect(requests[0]?.body).toBe('ab');
  });

  it('does not count the time of such a source once the answer has begun', async () => {
    const origin = await startRaw((request, response) => {
      response.write('so far ');
      request.resume().on('end', () => response.end('all'));
    });
    async function* slowly() {
      yield 'a';
      await pause(300);
      yield 'b';
    }
    expect(await using(origin).put('/', slowly())).toMatchObject({ data: 'so far all' });
  });

  it('counts each informational answer over HTTP/2 as a sign of life', async () => {
    const { origin } = await startH2([
      (stream) => {
        for (const ms of [100, 200]) setTimeout(() => stream.additionalHeaders({ ':status': 103 }), ms);
        setTimeout(() => {
          stream.respond({ ':status': 200 });
          stream.end('late');
        }, 300);
      },
    ]);
    const { client } = watch(overH2(origin, { retry: false, timeouts: { total: false, attempt: false, idle: 150 } }));
    expect(await client.get('/')).toMatchObject({ data: 'late' });
  });

  it('ends an upload that the server no longer reads', async () => {
    const origin = await startRaw((request) => request.pause());
    const error = await rejection(using(origin).put('/', Buffer.alloc(30_000_000)));
    expect(error).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
  });

  it('ends one stream of an HTTP/2 connection, and not the others', async () => {
    const { origin, sessions } = await startH2([
      () => {},
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('slow ');
        setTimeout(() => stream.write('but '), 100);
        setTimeout(() => stream.end('sure'), 200);
      },
    ]);
    const timeouts = { total: false, attempt: false, idle: 150 } as const;
    const { client } = watch(overH2(origin, { retry: false, timeouts }));
    const [silent, moving] = await Promise.all([rejection(client.get('/')), client.get('/')]);
    expect(silent).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
    expect(moving.data).toBe('slow but sure');
    expect(sessions).toHaveLength(1);
  });

  it('is off for a request that takes the http adapter of axios', async () => {
    const { origin } = await startHttp((_, response) => void setTimeout(() => response.end('late'), 300));
    const { data } = await using(origin).get('/', { httpAgent: new http.Agent() });
    expect(data).toBe('late');
  });

  it('is not in the stack where it is not set', () => {
    const client = createHttpClient({ baseURL: 'http://api.test' }, { logger: silent });
    onTestFinished(() => client.close());
    expect(client.pipeline.map((each) => String(each)).join()).not.toContain('idle');
  });
});
