/** Lookups, rates, and other options of a connection. */
import dns from 'node:dns';
import nodeHttp from 'node:http';
import type { AxiosRequestConfig } from 'axios';
import { startTcp } from '../../support/upstream.js';
import { type Case, once } from '../case.js';
import { failure, pick } from '../outcomes.js';
import { sends } from '../server.js';

export const lookupAndRate: readonly Case[] = [
  {
    name: 'lookup finds the address, by callback',
    only: once,
    run: async ({ http, origin }) => {
      const asked: string[] = [];
      const lookup = (name: string, _: object, found: (error: null, address: string, family: number) => void) => {
        asked.push(name);
        found(null, '127.0.0.1', 4);
      };
      const url = `http://example.test:${new URL(origin).port}/echo`;
      return [(await http.get(url, { lookup } as AxiosRequestConfig)).status, asked];
    },
    expect: [200, ['example.test']],
  },
  {
    name: 'lookup finds the address, by promise',
    only: once,
    run: async ({ http, origin }) => {
      const lookup = async () => '127.0.0.1';
      const url = `http://example.test:${new URL(origin).port}/echo`;
      return (await http.get(url, { lookup } as AxiosRequestConfig)).status;
    },
    expect: 200,
  },
  {
    name: 'a lookup that fails is the error of the call',
    only: once,
    run: async ({ http }) => {
      const lookup = async () => {
        throw Object.assign(new Error('nowhere'), { code: dns.NOTFOUND });
      };
      return pick(await failure(http.get('http://example.test/', { lookup } as AxiosRequestConfig)), 'code', 'message');
    },
    expect: { code: 'ENOTFOUND', message: 'nowhere' },
  },
  {
    name: 'family chooses the kind of address',
    only: once,
    run: async ({ http, origin }) => {
      const url = `${origin.replace('127.0.0.1', 'localhost')}/echo`;
      return (await http.get(url, { family: 4 })).status;
    },
    expect: 200,
  },
  {
    name: 'a transport of the caller sends the request',
    only: once,
    run: async ({ http }) => {
      const seen: unknown[] = [];
      const transport = {
        request: (options: nodeHttp.RequestOptions, handle: (response: nodeHttp.IncomingMessage) => void) => {
          seen.push(options.method, options.path);
          return nodeHttp.request(options, handle);
        },
      };
      return [(await http.get('/echo?a=1', { transport } as AxiosRequestConfig)).status, seen];
    },
    expect: [200, ['GET', '/echo?a=1']],
  },
  {
    name: 'insecureHTTPParser reads what the strict parser refuses',
    only: once,
    run: async ({ http }) => {
      const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: \u0001\r\n\r\nok';
      const { port } = await startTcp((socket) => void socket.once('data', () => socket.write(answer)));
      const url = `http://127.0.0.1:${port}/`;
      return [(await failure(http.get(url))).code, (await http.get(url, { insecureHTTPParser: true })).data];
    },
    expect: ['HPE_INVALID_HEADER_TOKEN', 'ok'],
  },
  {
    name: 'maxRate slows a download down',
    only: once,
    run: async ({ http, serve }) => {
      const path = serve(sends({ body: Buffer.alloc(20_000) }));
      const startedAt = performance.now();
      const { data } = await http.get(path, { maxRate: [1_000_000, 20_000], responseType: 'arraybuffer' });
      return [data.length, performance.now() - startedAt > 100];
    },
    expect: [20_000, true],
  },
  {
    name: 'maxRate slows an upload down',
    only: once,
    run: async ({ http, serve }) => {
      const path = serve((_, response, body) => void response.end(String(body.length)));
      const startedAt = performance.now();
      const { data } = await http.post(path, Buffer.alloc(20_000), { maxRate: 20_000 });
      return [data, performance.now() - startedAt > 100];
    },
    expect: [20_000, true],
  },
];
