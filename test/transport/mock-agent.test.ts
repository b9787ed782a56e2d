/** undici's MockAgent as the global dispatcher carries whole requests, in each of its versions. */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { createHttpClient } from 'pillion';
import { Agent, MockAgent, RetryAgent, setGlobalDispatcher } from 'undici';
import * as undici5 from 'undici-5';
import * as undici6 from 'undici-6';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejection, silent } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

const origin = 'https://billing.test';

function made(config = {}) {
  const deps = { logger: silent, random: () => 0 };
  const client = createHttpClient({ baseURL: origin, circuitBreaker: false, ...config }, deps);
  onTestFinished(() => client.close({ grace: 0 }));
  return client;
}

const versions: Record<string, { MockAgent: typeof MockAgent; setGlobalDispatcher: typeof setGlobalDispatcher }> = {
  'undici 5': undici5 as never,
  'undici 6': undici6 as never,
  'undici 7': { MockAgent, setGlobalDispatcher },
};

describe.each(Object.keys(versions))('a MockAgent of %s', (version) => {
  const undici = versions[version] ?? expect.unreachable();

  /** Active until the test ends. */
  function active() {
    const agent = new undici.MockAgent();
    agent.disableNetConnect();
    undici.setGlobalDispatcher(agent);
    onTestFinished(async () => {
      setGlobalDispatcher(new Agent());
      await agent.close();
    });
    return { agent, upstream: agent.get(origin) };
  }

  it('is given the headers and the body of a request, and its answer is read like any other', async () => {
    const { upstream } = active();
    const body = (text: string) => JSON.parse(text).total === 42;
    const headers = { 'content-type': 'application/json', authorization: 'Basic YTpi' };
    const reply = gzipSync('{"id":1}');
    const coded = { 'content-encoding': 'gzip', 'content-type': 'application/json', 'Set-Cookie': ['a=1', 'b=2'] };
    upstream
      .intercept({ path: '/pay?q=x', method: 'POST', headers, body })
      .reply(201, reply, { headers: coded as never });
    const auth = { username: 'a', password: 'b' };
    const answer = await made().post('/pay', { total: 42 }, { params: { q: 'x' }, auth });
    expect(answer).toMatchObject({ status: 201, data: { id: 1 }, headers: { 'set-cookie': ['a=1', 'b=2'] } });
  });

  it('hands the names of headers to its replies in lower case', async () => {
    const { upstream } = active();
    const seen = vi.fn(({ headers }: { headers: unknown }) => String((headers as Record<string, string>)['x-app']));
    upstream.intercept({ path: '/' }).reply(200, seen as never);
    expect((await made().get('/', { headers: { 'X-App': 'shop' } })).data).toBe('shop');
  });

  it('answers each request of a redirect', async () => {
    const { upstream } = active();
    upstream.intercept({ path: '/from' }).reply(302, '', { headers: { location: '/to' } });
    upstream.intercept({ path: '/to' }).reply(200, 'there');
    expect((await made().get('/from', { maxRedirects: 1 })).data).toBe('there');
  });

  it('answers with a stream, and takes one', async () => {
    const { upstream } = active();
    upstream.intercept({ path: '/', method: 'PUT' }).reply(200, 'streamed');
    const { data } = await made().put('/', Readable.from(['up']), { responseType: 'stream' });
    expect(String(Buffer.concat(await data.toArray()))).toBe('streamed');
  });

  it('has its 503 repeated, as often as its times say', async () => {
    const { agent, upstream } = active();
    upstream.intercept({ path: '/' }).reply(503).times(2);
    upstream.intercept({ path: '/' }).reply(200, 'third');
    const client = made();
    expect((await client.get('/')).data).toBe('third');
    expect(client.stats().attempts).toBe(3);
    agent.assertNoPendingInterceptors();
  });

  it.each([
    ['ECONNRESET', 'GET', 3],
    ['ECONNRESET', 'POST', 1],
    ['ECONNREFUSED', 'POST', 3],
    [undefined, 'POST', 1],
  ])(
    'has an error with the code %s repeated like that of a socket: a %s is sent %i times',
    async (code, method, times) => {
      const { upstream } = active();
      upstream
        .intercept({ path: '/', method })
        .replyWithError(Object.assign(new Error('mocked'), { code }))
        .persist();
      const error = await rejection(made().request({ method, url: '/' }));
      expect([error.message, error.attempts]).toEqual(['mocked', times]);
    },
  );

  it('has a failure that it answers once as the outcome of the call, though the retry finds no mock', async () => {
    const { upstream } = active();
    upstream.intercept({ path: '/' }).reply(503, 'busy');
    const error = await rejection(made().get('/'));
    expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', response: { status: 503, data: 'busy' } });
  });

  it('leaves an abort and a close at once, whatever the delay of its reply', async () => {
    const { upstream } = active();
    const asked = vi.fn(() => true);
    upstream.intercept({ path: asked }).reply(200, 'late').delay(60_000).persist();
    const client = made();
    const abort = new AbortController();
    const aborted = rejection(client.get('/', { signal: abort.signal }));
    const pending = rejection(client.get('/'));
    await vi.waitFor(() => expect(asked.mock.calls.length).toBeGreaterThan(1));
    abort.abort();
    expect((await aborted).code).toBe('ERR_CANCELED');
    await client.close({ grace: 0 });
    expect((await pending).code).toBe('ERR_CLOSED');
  });

  it('lets requests through to the hosts that it enables', async () => {
    const real = await startHttp((_, response) => response.end('x'.repeat(1_000_000)));
    const { agent } = active();
    agent.enableNetConnect(new URL(real.origin).host);
    const client = made({ baseURL: real.origin });
    const { data } = await client.post('/', Readable.from(['up', 'load']), { responseType: 'stream' });
    expect(Buffer.concat(await data.toArray()).length).toBe(1_000_000);
    expect(real.requests).toMatchObject([{ method: 'POST', body: 'upload' }]);
  });

  it('is asked for calls with agents, proxies and lookups of their own too', async () => {
    const { upstream } = active();
    upstream.intercept({ path: '/' }).reply(200, 'mocked').times(2);
    const client = made();
    expect((await client.get('/', { httpsAgent: {} })).data).toBe('mocked');
    expect((await client.get('/', { proxy: { host: '127.0.0.1', port: 1 } })).data).toBe('mocked');
  });

  it('is not asked while it is deactivated', async () => {
    const real = await startHttp((_, response) => response.end('real'));
    const { agent } = active();
    agent.deactivate();
    expect((await made({ baseURL: real.origin }).get('/')).data).toBe('real');
  });
});

it('a MockAgent of undici 8 is found, which puts a wrapper in the place of earlier versions', async () => {
  const agent = new MockAgent();
  agent.get(origin).intercept({ path: '/' }).reply(200, 'mocked');
  setGlobalDispatcher(agent);
  onTestFinished(() => setGlobalDispatcher(new Agent()));
  const wrapper = { dispatch: () => expect.unreachable() };
  Object.assign(globalThis, { [Symbol.for('undici.globalDispatcher.1')]: wrapper });
  expect((await made().get('/')).data).toBe('mocked');
});

it.each([
  ['an Agent', new Agent()],
  ['a RetryAgent', new RetryAgent(new Agent())],
])('%s as the global dispatcher carries nothing of a client', async (_, dispatcher) => {
  const real = await startHttp((_, response) => response.end('real'));
  const dispatch = vi.spyOn(dispatcher, 'dispatch');
  setGlobalDispatcher(dispatcher);
  onTestFinished(() => setGlobalDispatcher(new Agent()));
  expect((await made({ baseURL: real.origin }).get('/')).data).toBe('real');
  expect(dispatch).not.toHaveBeenCalled();
});
