/** What a response looks like. */
import { ClientRequest } from 'node:http';
import { AxiosHeaders } from 'axios';
import { expect } from 'vitest';
import { type Case, h1, once } from '../case.js';
import { pick } from '../outcomes.js';

export const responseShape: readonly Case[] = [
  {
    name: 'a response has these properties',
    run: async ({ http }) => Object.keys(await http.get('/echo')).sort(),
    expect: ['config', 'data', 'duration', 'headers', 'request', 'status', 'statusText'],
  },
  {
    name: 'status and its text',
    only: h1,
    run: async ({ http }) => pick(await http.get('/echo'), 'status', 'statusText'),
    expect: { status: 200, statusText: 'OK' },
  },
  {
    name: 'duration is a whole number of milliseconds',
    run: async ({ http }) => {
      const { duration } = (await http.get('/echo')) as { duration?: number };
      return Number.isInteger(duration) && (duration ?? -1) >= 0;
    },
    expect: true,
  },
  {
    name: 'config is that of the call, with the data that was sent',
    run: async ({ http, origin }) => {
      const { config } = await http.post('/echo', { a: 1 }, { params: { b: 1 }, headers: { 'x-a': 'b' } });
      const { method, url, baseURL, data, params, headers } = config;
      const own = headers instanceof AxiosHeaders;
      return { method, url, base: baseURL === origin, data, params, own, header: headers['x-a'] };
    },
    expect: { method: 'post', url: '/echo', base: true, data: '{"a":1}', params: { b: 1 }, own: true, header: 'b' },
  },
  {
    name: 'config keeps what axios does not know',
    run: async ({ http }) => (await http.get('/echo', { mine: { a: 1 } } as object)).config,
    expect: expect.objectContaining({ mine: { a: 1 } }),
  },
  {
    name: 'config.adapter, validateStatus and transforms are those of the call',
    run: async ({ http }) => {
      const validateStatus = () => true;
      const { config } = await http.get('/echo', { validateStatus });
      const { transformRequest, transformResponse, adapter } = config;
      const lists = [transformRequest, transformResponse].map((list) => Array.isArray(list));
      return [config.validateStatus === validateStatus, ...lists, adapter !== undefined];
    },
    expect: [true, true, true, true],
  },
  {
    name: 'request says method, path, host and protocol',
    only: h1,
    run: async ({ http, origin }) => {
      const { method, path, host, protocol } = (await http.put('/echo?a=1', 'x')).request;
      return { method, path, host: host === new URL(origin).hostname, protocol: protocol === new URL(origin).protocol };
    },
    expect: { method: 'PUT', path: '/echo?a=1', host: true, protocol: true },
  },
  {
    name: 'request.res.responseUrl is the URL that was asked',
    only: h1,
    run: async ({ http, origin }) => {
      const { request } = await http.get('/echo', { params: { a: 'b c' } });
      return request.res.responseUrl.replace(origin, '');
    },
    expect: '/echo?a=b+c',
  },
  {
    name: 'request.getHeader gives what was sent',
    only: h1,
    run: async ({ http }) => {
      const { request } = await http.post('/echo', { a: 1 }, { headers: { 'X-A': 'b' } });
      return ['x-a', 'X-A', 'content-type', 'x-none'].map((name) => request.getHeader(name));
    },
    expect: ['b', 'b', 'application/json', undefined],
  },
  {
    name: 'a response can be made JSON, its request left out',
    only: h1,
    run: async ({ http }) => {
      const { request: _, config: __, ...rest } = await http.get('/echo');
      return Object.keys(JSON.parse(JSON.stringify(rest))).sort();
    },
    expect: ['data', 'duration', 'headers', 'status', 'statusText'],
  },
  {
    name: 'request.reusedSocket says whether the connection was used before',
    only: h1,
    run: async ({ fresh }) => {
      const http = await fresh();
      const ask = async () => Boolean((await http.get('/echo', { maxRedirects: 0 })).request.reusedSocket);
      const first = await ask();
      await new Promise((resolve) => setImmediate(resolve));
      return [first, await ask()];
    },
    expect: [false, true],
  },
  {
    name: "request is Node's ClientRequest",
    only: once,
    run: async ({ http }) => (await http.get('/echo', { maxRedirects: 0 })).request instanceof ClientRequest,
    expect: true,
    differs: { reason: '`response.request` is a small plain object.', expect: false },
  },
];
