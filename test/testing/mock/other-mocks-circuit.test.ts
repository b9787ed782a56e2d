/** Above the mocks of other libraries the circuit is the real one. */
import axios from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import nock from 'nock';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { getGlobalDispatcher, MockAgent, setGlobalDispatcher } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { rejection, silent } from '../../support/client.js';

type Wire = NonNullable<HttpClientDeps['transport']>;
const origin = 'https://billing.test';

/** Each answers 503 as often as it is asked, and tells how often that was. */
const upstreams: Record<string, () => { transport?: Wire; asked: () => number }> = {
  'axios-mock-adapter': () => {
    const mock = new MockAdapter(axios.create() as never);
    mock.onAny().reply(503);
    return { transport: mock.adapter() as unknown as Wire, asked: () => mock.history.get?.length ?? 0 };
  },
  nock: () => {
    let count = 0;
    nock(origin)
      .get('/x')
      .times(100)
      .reply(() => {
        count++;
        return [503];
      });
    onTestFinished(() => {
      nock.cleanAll();
      nock.restore();
    });
    return { asked: () => count };
  },
  msw: () => {
    let count = 0;
    const answer = () => {
      count++;
      return new HttpResponse(null, { status: 503 });
    };
    const server = setupServer(http.get(`${origin}/x`, answer));
    server.listen({ onUnhandledRequest: 'error' });
    onTestFinished(() => server.close());
    return { asked: () => count };
  },
  MockAgent: () => {
    const before = getGlobalDispatcher();
    const agent = new MockAgent();
    agent.disableNetConnect();
    setGlobalDispatcher(agent);
    onTestFinished(() => setGlobalDispatcher(before));
    let count = 0;
    agent
      .get(origin)
      .intercept({ path: '/x' })
      .reply(() => {
        count++;
        return { statusCode: 503 };
      })
      .persist();
    return { asked: () => count };
  },
};

it.each(Object.keys(upstreams))('over %s the circuit opens, and then nothing is asked', async (name) => {
  const { transport, asked } = upstreams[name]?.() ?? expect.unreachable();
  const circuitBreaker = { volumeThreshold: 3 };
  const deps = { ...(transport && { transport }), logger: silent, random: () => 0 };
  const client = createHttpClient({ baseURL: origin, retry: false, circuitBreaker }, deps);
  onTestFinished(() => client.close({ grace: 0 }));
  for (let i = 0; i < 3; i++) expect((await rejection(client.get('/x'))).status).toBe(503);
  expect((await rejection(client.get('/x'))).code).toBe('ERR_CIRCUIT_OPEN');
  expect(asked()).toBe(3);
});

it("MockAgent's refused connection is ERR_NETWORK behind axios's fetch adapter: a GET is repeated, a POST is not", async () => {
  const before = getGlobalDispatcher();
  const agent = new MockAgent();
  agent.disableNetConnect();
  setGlobalDispatcher(agent);
  onTestFinished(() => setGlobalDispatcher(before));
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  for (const method of ['GET', 'POST'])
    agent.get(origin).intercept({ path: '/x', method }).replyWithError(refused).persist();
  const deps = { transport: axios.getAdapter('fetch'), logger: silent, random: () => 0 };
  const client = createHttpClient({ baseURL: origin }, deps);
  onTestFinished(() => client.close({ grace: 0 }));
  const [get, post] = [await rejection(client.get('/x')), await rejection(client.post('/x', {}))];
  expect({ get: [get.code, get.attempts], post: [post.code, post.attempts] }).toEqual({
    get: ['ERR_NETWORK', 3],
    post: ['ERR_NETWORK', 1],
  });
});
