import { AxiosError, isAxiosError } from 'axios';
import { createHttpClient } from 'pillion';
import { describe, expect, it } from 'vitest';
import { listen } from '../loopback.js';
import { rejection, scripted, silent } from '../scripted.js';

describe('validateStatus', () => {
  it.each([200, 201, 204, 299])('lets a %d through by default', async (status) => {
    const { client } = scripted([status]);
    expect((await client.get('/')).status).toBe(status);
  });

  it.each([
    [302, 'ERR_BAD_RESPONSE'],
    [304, 'ERR_BAD_RESPONSE'],
    [400, 'ERR_BAD_REQUEST'],
    [404, 'ERR_BAD_REQUEST'],
    [500, 'ERR_BAD_RESPONSE'],
    [501, 'ERR_BAD_RESPONSE'],
  ])("rejects a %d by default, with axios's code and message, after one attempt", async (status, code) => {
    const { client, transport } = scripted([{ status, data: { why: status } }]);
    const error = await rejection(client.get('/'));
    expect(isAxiosError(error)).toBe(true);
    expect(error).toMatchObject({ code, status, response: { status, data: { why: status } } });
    expect(error.message).toBe(`Request failed with status code ${status}`);
    expect(transport.requests).toHaveLength(1);
  });

  it.each([
    ['null', null],
    ['() => true', () => true],
  ])('%s gets the caller every answer, after the same retries', async (_, validateStatus) => {
    const { client, transport } = scripted([503, 503, { status: 503, data: { last: true } }]);
    const response = await client.get('/', { validateStatus });
    expect(response).toMatchObject({ status: 503, data: { last: true } });
    expect(transport.requests).toHaveLength(3);
  });

  it('may accept a failure that the circuit still counts', async () => {
    const { client } = scripted([{ reply: 503 }], {
      retry: false,
      circuitBreaker: { volumeThreshold: 2, errorThresholdPercentage: 1 },
    });
    const accepting = () => client.get('/', { validateStatus: null });
    await accepting();
    await accepting();
    expect(await rejection(accepting())).toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
  });

  it('may refuse a success, which is neither retried nor a failure of the upstream', async () => {
    const { client, transport } = scripted([{ reply: 200 }]);
    const error = await rejection(client.get('/', { validateStatus: (status) => status === 201 }));
    expect(error).toMatchObject({ status: 200, code: 'ERR_BAD_RESPONSE', attempts: 1 });
    expect(transport.requests).toHaveLength(1);
    expect(client.stats().policies.circuitBreaker).toMatchObject({
      'http://api.test': { outcomes: 1, failures: 0 },
    });
  });

  it.each([200, 304, 404, 503])('is asked once about a call that ends with %d', async (status) => {
    const asked: number[] = [];
    const { client } = scripted([{ reply: status }]);
    await client
      .get('/', {
        validateStatus: (answer) => {
          asked.push(answer);
          return answer < 300;
        },
      })
      .catch(() => {});
    expect(asked).toEqual([status]);
  });

  it('of deps.axios and of client.defaults applies where the call has none', async () => {
    const { client } = scripted([404, 404], { retry: false }, { axios: { validateStatus: (status) => status < 500 } });
    expect((await client.get('/')).status).toBe(404);
    client.defaults.validateStatus = (status) => status === 404;
    expect((await client.get('/')).status).toBe(404);
  });

  it.each([200, 304, 404, 503])(
    'that throws on a %d ends the call with an AxiosError that has what it threw for its cause, once',
    async (status) => {
      const { client } = scripted([{ reply: status }], { retry: false });
      const ends: unknown[] = [];
      client.on('call.ended', (event) => ends.push(event));
      const thrown = new Error('the fault of the caller');
      const fail = () => {
        throw thrown;
      };
      const error = await rejection(client.get('/', { validateStatus: fail }));
      expect(error).toBeInstanceOf(AxiosError);
      expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', status, message: thrown.message });
      expect(error.cause).toBe(thrown);
      expect(ends).toHaveLength(1);
      expect(client.stats().calls).toMatchObject({ started: 1, active: 0, succeeded: 0, failed: 1 });
    },
  );
});

describe.each([
  ['the fast lane', {}],
  ["axios's http adapter", { maxRedirects: 1 }],
])('validateStatus over real sockets, %s', (_, lane) => {
  it.each([200, 304, 404, 503])('is applied once, above the policies, to a %d', async (status) => {
    const server = await listen((_request, response) => response.writeHead(status).end());
    const client = createHttpClient({ baseURL: server.origin }, { logger: silent, random: () => 0 });
    const asked: number[] = [];
    const validateStatus = (answer: number) => {
      asked.push(answer);
      return false;
    };
    const error = await rejection(client.get('/', { ...lane, validateStatus }));
    expect(error).toMatchObject({ status, attempts: status === 503 ? 3 : 1 });
    expect(asked).toEqual([status]);
    const failures = status === 503 ? 3 : 0;
    expect(client.stats().policies.circuitBreaker).toMatchObject({ [server.origin]: { failures } });
    await client.close();
    await server.close();
  });
});
