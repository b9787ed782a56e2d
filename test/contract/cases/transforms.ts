/** Transforms, interceptors, and where they stand to the wire. */
import { type Case, once } from '../case.js';
import { echoed, failure, pick } from '../outcomes.js';
import { sends } from '../server.js';

export const transforms: readonly Case[] = [
  {
    name: 'transformRequest gives the body and may set headers',
    run: async ({ http }) => {
      const transformRequest = (data: string, headers: { set(name: string, value: string): void }) => {
        headers.set('x-length', String(data.length));
        return data.toUpperCase();
      };
      const { body, headers } = await echoed(http.post('/echo', 'body', { transformRequest } as object));
      return [body, headers['x-length']];
    },
    expect: ['BODY', '4'],
  },
  {
    name: 'several transformRequest run in their order',
    run: async ({ http }) => {
      const transformRequest = [(data: string) => `${data}1`, (data: string) => `${data}2`];
      return (await echoed(http.post('/echo', '0', { transformRequest }))).body;
    },
    expect: '012',
  },
  {
    name: 'transformResponse sees text, headers and status',
    run: async ({ http, serve }) => {
      const answer = sends({ status: 201, body: '{"a":1}', headers: { 'x-a': 'b' } });
      const transformResponse = (data: string, headers: Record<string, string>, status: number) => [
        data,
        headers['x-a'],
        status,
      ];
      return (await http.get(serve(answer), { transformResponse } as object)).data;
    },
    expect: ['{"a":1}', 'b', 201],
  },
  {
    name: 'transformResponse is applied to the answer of an error',
    run: async ({ http, serve }) => {
      const transformResponse = (data: string) => `${data}!`;
      return (await failure(http.get(serve(sends({ status: 400, body: 'no' })), { transformResponse }))).response?.data;
    },
    expect: 'no!',
  },
  {
    name: 'a transformResponse that throws rejects the call with what it threw',
    run: async ({ http }) => {
      const transformResponse = () => {
        throw new RangeError('mine');
      };
      return pick(await failure(http.get('/echo', { transformResponse })), 'name', 'message');
    },
    expect: { name: 'RangeError', message: 'mine' },
  },
  {
    name: 'interceptors run once: requests last in first out, responses in their order',
    run: async ({ fresh }) => {
      const http = await fresh();
      const order: string[] = [];
      for (const name of ['1', '2']) {
        http.interceptors.request.use((config) => {
          order.push(`request ${name}`);
          return config;
        });
        http.interceptors.response.use((response) => {
          order.push(`response ${name}`);
          return response;
        });
      }
      await http.get('/echo');
      return order;
    },
    expect: ['request 2', 'request 1', 'response 1', 'response 2'],
  },
  {
    name: 'an interceptor can change URL, headers and data',
    run: async ({ fresh }) => {
      const http = await fresh();
      http.interceptors.request.use(async (config) => {
        config.headers.set('x-a', 'b');
        return { ...config, url: '/echo?changed', data: { changed: true } };
      });
      const { url, headers, body } = await echoed(http.post('/anything', {}));
      return [url, headers['x-a'], body];
    },
    expect: ['/echo?changed', 'b', '{"changed":true}'],
  },
  {
    name: 'a response interceptor can make an answer of an error',
    run: async ({ fresh, serve }) => {
      const http = await fresh();
      http.interceptors.response.use(undefined, (error) => ({ ...error.response, data: 'mended' }));
      return pick(await http.get(serve(sends({ status: 500 }))), 'status', 'data');
    },
    expect: { status: 500, data: 'mended' },
  },
  {
    name: 'a request interceptor that throws sends nothing',
    only: once,
    run: async ({ fresh, serve }) => {
      const http = await fresh();
      let asked = 0;
      const path = serve((_, response) => void response.end(String(++asked)));
      http.interceptors.request.use(() => {
        throw new Error('not now');
      });
      return [(await failure(http.get(path))).message, asked];
    },
    expect: ['not now', 0],
  },
  {
    name: 'a request can be sent again with the config of its response',
    run: async ({ http }) => {
      const { config } = await http.post('/echo?a=1', { b: 2 }, { headers: { 'x-a': 'c' } });
      const { url, body, headers } = await echoed(http.request(config));
      return [url, body, headers['x-a'], headers['content-length']];
    },
    expect: ['/echo?a=1', '{"b":2}', 'c', '7'],
  },
  {
    name: 'interceptors see the defaults of timeout, transitional and env',
    only: once,
    run: async ({ fresh }) => {
      const http = await fresh();
      let seen: unknown[] = [];
      http.interceptors.request.use((config) => {
        seen = [config.timeout, typeof config.transitional, typeof config.env];
        return config;
      });
      await http.get('/echo');
      return seen;
    },
    expect: [0, 'object', 'object'],
    differs: {
      reason: 'Interceptors see `timeout`, `transitional` and `env` only where somebody set them.',
      wires: ['client'],
      expect: [undefined, 'undefined', 'undefined'],
    },
  },
];
