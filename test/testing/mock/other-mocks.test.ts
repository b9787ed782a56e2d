/** Other libraries' mocks as the wire: the examples, and that a circuit is the real one above each. */
import axios from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { createHttpClient } from 'pillion';
import { describe, expect, it } from 'vitest';
import { main as withMockAdapter } from '../../../examples/mocking/with-axios-mock-adapter.js';
import { main as withMsw } from '../../../examples/mocking/with-msw.js';
import { main as withNock } from '../../../examples/mocking/with-nock.js';
import { main as withMockAgent } from '../../../examples/mocking/with-undici-mock-agent.js';
import { rejection, silent } from '../../support/client.js';

const deps = { logger: silent, random: () => 0 };

describe('a 503 is repeated', () => {
  it('over axios-mock-adapter', async () => {
    expect(await withMockAdapter(deps)).toEqual(['id 1', 'attempts 2', 'asked 2']);
  });

  it('over nock', async () => {
    expect(await withNock(deps)).toEqual(['id 1', 'attempts 2', 'all asked true']);
  });

  it('over msw', async () => {
    expect(await withMsw(deps)).toEqual(['id 1', 'attempts 2', 'asked 2']);
  });

  it("over undici's MockAgent", async () => {
    expect(await withMockAgent(deps)).toEqual(['id 1', 'attempts 2']);
  });
});

describe('axios-mock-adapter', () => {
  const mocked = (mock: MockAdapter) => {
    const transport = mock.adapter() as never;
    return createHttpClient({ baseURL: 'https://a.test' }, { transport, ...deps });
  };

  it('answers what it does not know with 404, which no policy repeats', async () => {
    const client = mocked(new MockAdapter(axios.create() as never));
    expect(await rejection(client.get('/nothing'))).toMatchObject({ attempts: 1, response: { status: 404 } });
  });

  it('has a networkError without a code, which no policy repeats: say the code', async () => {
    const mock = new MockAdapter(axios.create() as never);
    mock.onGet('/a').networkError();
    const coded = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    mock
      .onGet('/b')
      .replyOnce(() => Promise.reject(coded))
      .onGet('/b')
      .reply(200);
    const client = mocked(mock);
    expect((await rejection(client.get('/a'))).attempts).toBe(1);
    await client.get('/b');
    expect(client.stats().attempts).toBe(3);
  });
});
