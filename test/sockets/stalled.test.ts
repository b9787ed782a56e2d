/** This process does not run for a while: what was answered meanwhile is no timeout, and nobody else is blamed. */
import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pause, watch } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('an event loop that was blocked for longer than the timeouts', () => {
  it.each([
    ['the fast lane', {}],
    ["axios's http adapter", { family: 4 }],
  ])('first lets in the answers that lie in the sockets, on %s', async (_, lane) => {
    // Answers come from a process of their own, while this one is blocked.
    const upstream = await answeringProcess(30);
    const { client } = watch({ baseURL: upstream, timeouts: { attempt: 400, total: 500 }, retry: false });
    await Promise.all(Array.from({ length: 40 }, () => client.get('/', lane as object)));
    const calls = Array.from({ length: 40 }, () => client.get('/', lane as object));
    await pause(5);
    block(1200);
    expect((await Promise.all(calls)).every(({ status }) => status === 200)).toBe(true);
    expect(client.stats()).toMatchObject({ calls: { failed: 0 } });
  });

  it('says nothing of a destination that has not answered', async () => {
    const { origin } = await startHttp(() => {});
    const { client } = watch({
      baseURL: origin,
      timeouts: { attempt: 100 },
      retry: false,
      circuitBreaker: { volumeThreshold: 1 },
    });
    const calls = Array.from({ length: 10 }, () => client.get('/').catch((error) => error.code));
    await pause(5);
    block(600);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['ERR_ATTEMPT_TIMEOUT']));
    expect(Object.values(client.stats().policies.circuitBreaker as object)[0]).toMatchObject({
      state: 'closed',
      failures: 0,
    });
    // One that runs all the time does.
    await client.get('/').catch(() => {});
    expect(Object.values(client.stats().policies.circuitBreaker as object)[0]).toMatchObject({ state: 'open' });
  });

  it('does not take a connection that was made meanwhile for one that was not', async () => {
    const upstream = await answeringProcess(0);
    const { client } = watch({ baseURL: upstream, timeouts: { connect: 50 }, retry: false });
    const call = client.get('/');
    // The name is looked up and the connection asked for; then nothing runs.
    await new Promise((resolve) => setImmediate(resolve));
    block(300);
    expect((await call).status).toBe(200);
  });
});

describe('a connection that ends just before a request is written to it', () => {
  it.each(['GET', 'POST'])('costs a %s nothing: it goes over another one, once, and has its answer', async (method) => {
    let requests = 0;
    const { origin } = await startHttp((_, response) => {
      requests++;
      response.end('ok');
    });
    const { client } = watch({ baseURL: origin, connections: { keepAliveTimeout: 100 }, retry: false });
    await client.get('/');
    await pause(5);
    // The timer that closes the idle connection is due by now, and fires in the turn in which undici checks the connection.
    block(150);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await client.request({ method, url: '/' })).data).toBe('ok');
    expect(requests).toBe(2);
  });
});

/** An upstream in another process, which ends with the test. */
async function answeringProcess(ms: number): Promise<string> {
  const script = `
    require('node:http')
      .createServer((_, response) => setTimeout(() => response.end('ok'), ${ms}))
      .listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;
  const child = spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const port = await new Promise((resolve) => child.stdout.once('data', (data) => resolve(String(data).trim())));
  return `http://127.0.0.1:${port}`;
}
