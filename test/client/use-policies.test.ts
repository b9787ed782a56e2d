/** usePolicies: the stack behind an axios instance that somebody else made. */
import axios, { type AxiosAdapter } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import axiosRetry from 'axios-retry';
import { createHttpClient, healthOfClients, type InstancePoliciesConfig, usePolicies } from 'pillion';
import { createMockTransport, type Script } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { collecting, rejection, silent } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

const baseURL = 'http://api.test';

function stacked(script: Script, config: InstancePoliciesConfig = {}, instance = axios.create({ baseURL })) {
  const transport = createMockTransport(script);
  const policies = usePolicies(instance, config, { transport, logger: silent, random: () => 0 });
  onTestFinished(() => policies.close({ grace: 0 }));
  return { instance, policies, transport };
}

describe('an instance with policies', () => {
  it('repeats a failed call, which its own interceptors see once', async () => {
    const { instance, transport } = stacked([503, { data: { id: 1 } }]);
    const seen: string[] = [];
    instance.interceptors.request.use((request) => {
      seen.push('request');
      request.headers.set('x-mine', 'yes');
      return request;
    });
    instance.interceptors.response.use((response) => {
      seen.push('response');
      return response;
    });

    expect((await instance.get('/invoices')).data).toEqual({ id: 1 });
    expect(seen).toEqual(['request', 'response']);
    expect(transport.requests.map(({ attempt, headers }) => [attempt, headers['x-mine']])).toEqual([
      [1, 'yes'],
      [2, 'yes'],
    ]);
  });

  it('never repeats a POST without a key', async () => {
    const { instance, transport } = stacked([503]);
    expect((await rejection(instance.post('/payments', {}))).attempts).toBe(1);
    expect(transport.requests).toHaveLength(1);
  });

  it('keeps its defaults: headers, params, transforms, validateStatus', async () => {
    const instance = axios.create({
      baseURL: `${baseURL}/v1`,
      headers: { 'x-app': 'shop' },
      params: { lang: 'de' },
      validateStatus: () => true,
      transformResponse: (data: string) => `<${data}>`,
    });
    const { transport } = stacked([{ status: 404, data: 'gone' }], {}, instance);

    const { status, data } = await instance.get('/invoices');
    expect({ status, data }).toEqual({ status: 404, data: '<gone>' });
    expect(transport.requests[0]).toMatchObject({
      url: `${baseURL}/v1/invoices?lang=de`,
      headers: { 'x-app': 'shop' },
    });
  });

  it('may go to any origin, as with axios', async () => {
    const { instance, transport } = stacked([200], { endpoints: { static: [{ address: '127.0.0.1:1' }] } });
    await instance.get('http://elsewhere.test/x');
    expect(transport.requests[0]?.url).toBe('http://elsewhere.test/x');
  });

  it('has its endpoints behind the baseURL of the instance', async () => {
    const { policies } = stacked([], {
      endpoints: { static: [{ address: '127.0.0.1:1' }, { address: '127.0.0.1:2' }] },
    });
    expect(policies.pipeline).toContain('balance');
  });

  it('bounds the whole call by the timeout of the instance', async () => {
    const { instance } = stacked(['hang'], {}, axios.create({ baseURL, timeout: 20 }));
    expect((await rejection(instance.get('/'))).code).toBe('ECONNABORTED');
  });

  it('may be the global axios', async () => {
    const { transport } = stacked([200], {}, axios);
    await axios.get('http://api.test/x');
    expect(transport.requests).toHaveLength(1);
  });

  it('talks over real sockets, with an agent of its own too', async () => {
    const upstream = await startHttp((_, response) => void response.end('ok'));
    const { Agent } = await import('node:http');
    const httpAgent = new Agent({ keepAlive: true });
    onTestFinished(() => httpAgent.destroy());
    for (const options of [{}, { httpAgent }]) {
      const instance = axios.create({ baseURL: upstream.origin, ...options });
      const policies = usePolicies(instance, {}, { logger: silent });
      expect((await instance.get('/')).data).toBe('ok');
      expect(policies.stats().attempts).toBe(1);
      await policies.close();
    }
  });
});

describe('an adapter of its own', () => {
  it('becomes the wire: a mock answers each attempt', async () => {
    const instance = axios.create({ baseURL });
    const mock = new MockAdapter(instance as never);
    mock.onGet('/x').replyOnce(503).onGet('/x').reply(200, { ok: true });
    const policies = usePolicies(instance, {}, { logger: silent, random: () => 0 });
    onTestFinished(() => policies.close());

    expect((await instance.get('/x')).data).toEqual({ ok: true });
    expect(mock.history.get).toHaveLength(2);
  });

  it("may be axios's fetch adapter", async () => {
    const upstream = await startHttp((_, response) => void response.end('ok'));
    const instance = axios.create({ baseURL: upstream.origin, adapter: 'fetch' });
    const policies = usePolicies(instance, {}, { logger: silent });
    onTestFinished(() => policies.close());

    expect((await instance.get('/')).data).toBe('ok');
    expect(policies.stats()).toMatchObject({ attempts: 1, policies: { wire: { injected: true } } });
  });

  it.each([['http'], ['fetch'], [['fetch', 'http']], [['xhr', 'http']]])('may be named: %j', async (name) => {
    const upstream = await startHttp((_, response) => void response.end('ok'));
    const instance = axios.create({ baseURL: upstream.origin, adapter: name as never });
    const policies = usePolicies(instance, {}, { logger: silent });
    onTestFinished(() => policies.close());

    expect((await instance.get('/')).data).toBe('ok');
    expect(policies.stats()).toMatchObject({ attempts: 1, policies: { wire: { injected: true } } });
    // Only fetch says how it was asked.
    expect('sec-fetch-mode' in (upstream.requests[0]?.headers ?? {})).toBe([name].flat().includes('fetch'));
  });

  it('is the wire of this library where the instance names none, or the list that axios has for a default', async () => {
    for (const adapter of [undefined, null, ['xhr', 'http', 'fetch']]) {
      const policies = usePolicies(axios.create({ ...(adapter && { adapter }) }), {}, { logger: silent });
      expect(policies.stats().policies.wire).not.toHaveProperty('injected');
      await policies.close();
    }
  });

  it('has the fetch of env, of the instance and of each call, on each attempt', async () => {
    const asked: string[] = [];
    const answering = (name: string, status: number) => async () => {
      asked.push(name);
      return new Response(name, { status });
    };
    const env = { fetch: answering('the instance', 503) };
    const instance = axios.create({ baseURL, adapter: ['fetch', 'http'], env } as never);
    const policies = usePolicies(instance, { retry: { maxRetries: 1 } }, { logger: silent, random: () => 0 });
    onTestFinished(() => policies.close());

    expect(await rejection(instance.get('/'))).toMatchObject({ status: 503, attempts: 2 });
    const { data } = await instance.get('/', { env: { fetch: answering('the call', 200) } } as never);
    expect(data).toBe('the call');
    expect(asked).toEqual(['the instance', 'the instance', 'the call']);
  });

  it.each([
    ['smtp', { message: "Unknown adapter 'smtp'" }],
    ['xhr', { code: 'ERR_NOT_SUPPORT' }],
  ])('that axios does not know is its error: %s', async (adapter, error) => {
    const instance = axios.create({ baseURL, adapter: adapter as never });
    const policies = usePolicies(instance, {}, { logger: silent });
    onTestFinished(() => policies.close());
    expect(await rejection(instance.get('/'))).toMatchObject({ isAxiosError: true, ...error });
  });

  it('that is named has no tls section of the policies, and that is said', async () => {
    for (const [adapter, warnings] of [
      ['fetch', 1],
      [undefined, 0],
    ] as const) {
      const { logger, lines } = collecting();
      const policies = usePolicies(axios.create({ ...(adapter && { adapter }) }), { tls: {} }, { logger });
      onTestFinished(() => policies.close());
      expect(lines.filter(({ message }) => message.includes('no effect'))).toHaveLength(warnings);
    }
  });

  it('in a list with a stack is a stack already', () => {
    const { policies } = stacked([]);
    const instance = axios.create({ adapter: ['xhr', policies.adapter] as never });
    expect(() => usePolicies(instance)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });

  it('of a single call goes past the stack, and the stack as one of a single call is gone through', async () => {
    const past: AxiosAdapter = async (config) => ({ data: 'past', status: 200, statusText: '', headers: {}, config });
    const { instance, policies, transport } = stacked([503, { data: 'through' }]);

    expect((await instance.get('/', { adapter: past })).data).toBe('past');
    expect(transport.requests).toHaveLength(0);
    expect((await axios.create().get(`${baseURL}/y`, { adapter: policies.adapter })).data).toBe('through');
    expect(transport.requests).toHaveLength(2);
  });
});

describe('the handle', () => {
  it('updates, counts, tells, names the policies and forces the circuit', async () => {
    const { instance, policies } = stacked([503, 503, 200]);
    const ends: unknown[] = [];
    policies.on('call.ended', ({ status }) => ends.push(status));
    policies.update({ retry: false });

    await rejection(instance.get('/'));
    expect(policies.pipeline).not.toContain('retry');
    expect(policies.stats()).toMatchObject({ calls: { failed: 1 }, attempts: 1 });
    expect(ends).toEqual([503]);
    policies.forceCircuit('open');
    expect((await rejection(instance.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    expect(healthOfClients([policies]).status).toBe('degraded');
  });

  it('gives the instance its former adapter back when it is closed', async () => {
    const instance = axios.create({ baseURL });
    const former = instance.defaults.adapter;
    const policies = usePolicies(instance, {}, { logger: silent });
    expect(instance.defaults.adapter).not.toBe(former);

    await policies.close();
    expect(instance.defaults.adapter).toBe(former);
    usePolicies(instance, {}, { logger: silent });
  });

  it('is disposed of like a client', async () => {
    const instance = axios.create({ baseURL });
    const former = instance.defaults.adapter;
    await usePolicies(instance, {}, { logger: silent })[Symbol.asyncDispose]();
    expect(instance.defaults.adapter).toBe(former);
  });
});

describe('refused with ERR_CONFIG', () => {
  const refusal = (make: () => unknown) => {
    try {
      make();
    } catch (error) {
      return error;
    }
    throw new Error('It was taken.');
  };

  it.each(['baseURL', 'headers', 'allowAbsoluteUrls', 'maxRedirects', 'proxy'])(
    'is %s, which the instance has',
    (name) => {
      const error = refusal(() => usePolicies(axios.create(), { [name]: undefined } as never));
      expect(error).toMatchObject({
        code: 'ERR_CONFIG',
        message: expect.stringContaining(`${name} on the axios instance`),
      });
      const { policies } = stacked([]);
      expect(refusal(() => policies.update({ [name]: undefined } as never))).toMatchObject({ code: 'ERR_CONFIG' });
    },
  );

  it('is an instance that has a stack already, and a client', () => {
    const { instance } = stacked([]);
    expect(refusal(() => usePolicies(instance))).toMatchObject({ code: 'ERR_CONFIG' });
    expect(refusal(() => usePolicies(createHttpClient()))).toMatchObject({ code: 'ERR_CONFIG' });
    expect(refusal(() => usePolicies(createHttpClient().create() as never))).toMatchObject({ code: 'ERR_CONFIG' });
  });

  it('is an option nobody knows, and the instance stays as it was', () => {
    const instance = axios.create();
    const former = instance.defaults.adapter;
    expect(refusal(() => usePolicies(instance, { retries: 3 } as never))).toMatchObject({ code: 'ERR_CONFIG' });
    expect(instance.defaults.adapter).toBe(former);
  });
});

it('says once that axios-retry is there too', async () => {
  const instance = axios.create({ baseURL });
  axiosRetry(instance, { retries: 1 });
  const { logger, lines } = collecting();
  const transport = createMockTransport([200, 200]);
  const policies = usePolicies(instance, {}, { transport, logger });
  onTestFinished(() => policies.close());

  await instance.get('/');
  await instance.get('/');
  const warnings = lines.filter(({ level }) => level === 'warn');
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('axios-retry is installed')]);
});
