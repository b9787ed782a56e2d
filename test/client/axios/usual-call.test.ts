/** Usual calls do not go through axios's own pipeline: to a caller there must be no difference. */
import axios, { type AxiosError, AxiosHeaders, type AxiosInstance, type AxiosRequestConfig } from 'axios';
import fc from 'fast-check';
import { createHttpClient, type Request, type Response } from 'pillion';
import { describe, expect, it } from 'vitest';
import { baseURL, rejection, scripted, silent, watch } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

const off = {
  tracing: false,
  logging: false,
  timeouts: false,
  retry: false,
  circuitBreaker: false,
  limits: false,
} as const;

interface Answer {
  status: number;
  data: unknown;
}

/** What the wire is given, as far as it matters to it. */
function seen({ method, url, baseURL: base, params, headers, data, responseType }: Request) {
  const sent: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && value !== null && (value as unknown) !== false) sent[name.toLowerCase()] = value;
  const body = data instanceof Uint8Array || data instanceof ArrayBuffer ? Buffer.from(data as never).toString() : data;
  return { method, url, base, params, sent, body, responseType };
}

/** An instance of axios and a client with the same wire, and what reached it. */
function both(answer: Answer) {
  const reached: ReturnType<typeof seen>[] = [];
  const wire = async (request: Request): Promise<Response> => {
    reached.push(seen(request));
    const headers = new AxiosHeaders({ 'content-type': 'application/json' });
    const response = { ...answer, statusText: '', headers, config: request, request: {} };
    const { validateStatus } = request;
    if (!validateStatus || validateStatus(answer.status)) return response;
    const code = answer.status >= 400 && answer.status < 500 ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE';
    const message = `Request failed with status code ${answer.status}`;
    throw new axios.AxiosError(message, code, request, {}, response);
  };
  const plain = axios.create({ baseURL, adapter: wire });
  const client = createHttpClient({ baseURL, allowAbsoluteUrls: true, ...off }, { transport: wire, logger: silent });
  return { plain, client: client as AxiosInstance, reached };
}

/** What a caller gets. */
async function came(call: () => Promise<Response>) {
  try {
    const { status, data, headers, config } = await call();
    return { status, data, type: headers['content-type'], url: config.url, method: config.method, sent: config.data };
  } catch (error) {
    const { code, message, response } = error as AxiosError;
    const failed = { code, status: response?.status, data: response?.data, isAxiosError: axios.isAxiosError(error) };
    return code === undefined ? { ...failed, message: message.split('\n')[0] } : failed;
  }
}

const text = fc.string({ maxLength: 8 });
const headerName = fc.constantFrom(
  'x-a',
  'X-A',
  'Accept',
  'accept',
  'Content-Type',
  'content-type',
  'AUTHORIZATION',
  'x_b',
);
const headerValue = fc.oneof(
  fc.constantFrom('a', ' padded ', '', 'ö', 'application/json', 'application/x-www-form-urlencoded', 'text/plain'),
  fc.constantFrom<unknown>(null, undefined, false, true, 7, ['a', 'b']),
);
const data = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 0, false, 'text', '{"a":1}', ' [1] ', 7, true, [], [1, { a: 2 }]),
  fc.dictionary(fc.constantFrom('a', 'b', 'c d', 'list[]', 'deep'), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
  fc.constant({ when: new Date(0), toJSON: undefined, nested: { skip: undefined, keep: null } }),
  fc.constant(new URLSearchParams({ a: 'b c' })),
  fc.constant(Buffer.from('bytes')),
);
const url = fc.oneof(
  fc.constantFrom('/', '', '/a', 'a/b?c=d', '/ä', '/a b', 'http://other.test/x', '/a#b'),
  text.map((tail) => `/${encodeURIComponent(tail)}`),
);
const params = fc.oneof(
  fc.constant(undefined),
  fc.dictionary(
    fc.constantFrom('a', 'b', 'c[]', 'd e'),
    fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.integer(), { maxLength: 3 })),
    { maxKeys: 3 },
  ),
);
const options = fc.record(
  {
    headers: fc.dictionary(headerName, headerValue, { maxKeys: 3 }),
    params,
    responseType: fc.constantFrom('json', 'text', 'arraybuffer', undefined),
    validateStatus: fc.constantFrom(
      null,
      undefined,
      () => true,
      (status: number) => status === 418,
    ),
    transitional: fc.constantFrom({ silentJSONParsing: false }, { forcedJSONParsing: false }),
    maxRedirects: fc.constantFrom(0, 3),
    custom: fc.constantFrom('x', { y: 1 }),
    auth: fc.constant({ username: 'a', password: 'b' }),
  },
  { requiredKeys: [] },
);
const answer = fc.record({
  status: fc.constantFrom(200, 204, 404, 418, 500),
  data: fc.constantFrom<unknown>(
    '{"a":1}',
    '[1',
    '',
    'plain',
    '7',
    ' {"b":2} ',
    { already: 'parsed' },
    null,
    undefined,
  ),
});
const verb = fc.constantFrom('get', 'delete', 'head', 'post', 'put', 'patch', 'request', 'REQUEST');

function run(instance: AxiosInstance, how: string, where: string, body: unknown, given: AxiosRequestConfig) {
  const config = { ...given };
  if (how === 'request') return instance.request({ ...config, method: 'PoSt', url: where, data: body });
  if (how === 'REQUEST') return instance({ ...config, url: where, data: body });
  if (how === 'get' || how === 'delete' || how === 'head') return instance[how](where, { ...config, data: body });
  return instance[how as 'post'](where, body, config);
}

describe('a call through the client', () => {
  it('reaches the wire and comes back as one through axios does', async () => {
    await fc.assert(
      fc.asyncProperty(verb, url, data, options, answer, async (how, where, body, given, reply) => {
        const { plain, client, reached } = both(reply);
        const expected = await came(() => run(plain, how, where, body, given as never));
        const byAxios = reached.splice(0);
        const actual = await came(() => run(client, how, where, body, given as never));
        expect(reached).toEqual(byAxios);
        expect(actual).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('client.defaults', () => {
  it('changed between two calls count for the second', async () => {
    const { client, transport } = scripted([{ reply: 200 }]);
    await client.get('/');
    client.defaults.headers.common['X-Common'] = '1';
    client.defaults.headers.post['X-Post'] = '2';
    Object.assign(client.defaults.headers, { 'X-Own': '3' });
    client.defaults.baseURL = `${baseURL}/v2`;
    await client.post('/a', { b: 1 });
    expect(transport.requests[1]).toMatchObject({
      url: `${baseURL}/v2/a`,
      headers: { 'x-common': '1', 'x-post': '2', 'x-own': '3' },
    });
    expect(transport.requests[0]?.headers).not.toHaveProperty('x-common');
  });

  it('may name another adapter, as axios-mock-adapter does', async () => {
    const { client, transport } = scripted([{ reply: 200 }]);
    client.defaults.adapter = async (config) =>
      ({ data: '{"mocked":true}', status: 200, statusText: '', headers: {}, config }) as Response;
    expect((await client.get('/')).data).toEqual({ mocked: true });
    expect(transport.requests).toHaveLength(0);
  });
});

describe('interceptors', () => {
  it('run once, in the order that axios has, also when added or ejected between calls', async () => {
    const order: string[] = [];
    const { client } = scripted([{ reply: { data: 'a' } }]);
    await client.get('/');
    const first = client.interceptors.request.use((config) => {
      order.push('request 1');
      return config;
    });
    client.interceptors.request.use((config) => {
      order.push('request 2');
      return config;
    });
    client.interceptors.response.use((response) => {
      order.push('response');
      return { ...response, data: 'changed' };
    });
    expect((await client.get('/')).data).toBe('changed');
    client.interceptors.request.eject(first);
    await client.get('/');
    expect(order).toEqual(['request 2', 'request 1', 'response', 'request 2', 'response']);
  });
});

describe('the stack of an error', () => {
  async function theCallersFunction(call: () => Promise<unknown>) {
    await call();
  }
  const stackOf = async (call: () => Promise<unknown>) => (await rejection(theCallersFunction(call))).stack ?? '';
  const count = (stack: string) => stack.split('theCallersFunction').length - 1;

  it('names the caller once, for a status, a network failure, an open circuit, on axios’s way too', async () => {
    const { client } = scripted([404, { error: 'ECONNRESET' }, ...new Array(30).fill(500)], { retry: false });
    expect(count(await stackOf(() => client.get('/')))).toBe(1);
    expect(count(await stackOf(() => client.get('/')))).toBe(1);
    for (let call = 0; call < 30; call++) await rejection(client.get('/'));
    const refused = await stackOf(() => client.get('/'));
    expect(refused).toMatch(/^PillionError: default: the circuit to/);
    expect(count(refused)).toBe(1);
    expect(count(await stackOf(() => client.get('/', { transitional: {} })))).toBe(1);
  });
});

describe('a polluted Object.prototype', () => {
  it.each([
    ['transformResponse', [() => 'stolen']],
    ['params', { stolen: 1 }],
    ['headers', { stolen: '1' }],
    ['data', 'stolen'],
    ['baseURL', 'http://evil.test'],
  ])('with %s changes no call', async (name, value) => {
    const { client, transport } = scripted([{ data: { ok: true } }]);
    Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true });
    try {
      expect((await client.get('/')).data).toEqual({ ok: true });
    } finally {
      delete (Object.prototype as never)[name];
    }
    expect(transport.requests[0]).toMatchObject({ url: `${baseURL}/` });
    expect(JSON.stringify(transport.requests[0])).not.toContain('stolen');
  });
});

it('the config of a call may be frozen and used many times at once', async () => {
  const { client, transport } = scripted([{ reply: 200 }]);
  const config = Object.freeze({ params: Object.freeze({ a: 1 }), headers: Object.freeze({ 'x-a': 'b' }) });
  await Promise.all([
    client.get('/', config),
    client.get('/', config),
    client.post('/', Object.freeze({ c: 1 }), config),
  ]);
  expect(transport.requests.map(({ headers }) => headers['x-a'])).toEqual(['b', 'b', 'b']);
});

it('a call made again with the config of its answer is the same call', async () => {
  const { client, transport } = scripted([{ reply: 200 }]);
  const { config } = await client.post('/a', { b: 1 }, { headers: { 'x-a': '1' } });
  await client(config);
  const [first, second] = transport.requests;
  expect({ ...second, at: 0, headers: { ...second?.headers, 'x-request-id': '' } }).toMatchObject({
    method: first?.method,
    url: first?.url,
    headers: { 'x-a': '1', 'content-type': 'application/json' },
  });
});

it.each([
  ['lane', 'socketPath', '/nowhere.sock'],
  ['credentials', 'auth', { username: 'evil', password: 'x' }],
])('a polluted Object.prototype does not choose the %s of a call', async (_, name, value) => {
  const { origin, requests } = await startHttp((_request, response) => response.end('ok'));
  const { client } = watch({ baseURL: origin });
  Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true });
  try {
    expect((await client.get('/')).data).toBe('ok');
  } finally {
    delete (Object.prototype as never)[name];
  }
  expect(requests[0]?.headers).not.toHaveProperty('authorization');
  expect(client.stats().policies.wire).toMatchObject({ lanes: { undici: 1, http: 0 } });
});

it.each<[string, object]>([
  ['an object', {}],
  ['an error', new Error('boom')],
  ['an answer', new axios.AxiosError('boom', 'ERR_BAD_RESPONSE')],
])('what a transport rejects with ends its call only, also where %s throws whenever it is read', async (_, target) => {
  const refuse = () => {
    throw new Error('not to be read');
  };
  const hostile = new Proxy(target, {
    get: refuse,
    has: refuse,
    getPrototypeOf: refuse,
    getOwnPropertyDescriptor: refuse,
  });
  const client = createHttpClient({ baseURL }, { transport: () => Promise.reject(hostile), logger: silent });
  await rejection(client.get('/'));
  await rejection(client.get('/', { transitional: {} }));
  expect(client.stats().calls).toMatchObject({ failed: 2, active: 0 });
});

it('defaults without headers are as axios has them', async () => {
  const { client, transport } = scripted([{ reply: 200 }]);
  client.defaults.headers = undefined as never;
  await client.get('/', { headers: { 'x-a': '1' } });
  expect(transport.requests[0]?.headers).toMatchObject({ 'x-a': '1' });
});
