/** Redirects: with what method and body they are followed. */
import { Readable } from 'node:stream';
import type { AxiosRequestConfig } from 'axios';
import { type Case, h2 } from '../case.js';
import { echoed } from '../outcomes.js';
import { redirects as redirectsTo } from '../server.js';

/** axios follows no redirect over HTTP/2. */
const axiosCannot = h2;

/** What arrives behind a redirect with this status. */
const behind =
  (status: number, method: string, data?: () => unknown, config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http, serve }) => {
    const url = serve(redirectsTo(status, '/echo'));
    const echo = await echoed(http.request({ url, method, data: data?.(), ...config }));
    return [echo.method, echo.body, echo.headers['content-type']];
  };

const json = () => ({ a: 1 });
const asGet = ['GET', '', undefined];
const kept = (method: string) => [method, '{"a":1}', 'application/json'];

export const redirects: readonly Case[] = [
  { name: 'a POST becomes a GET by 301', axiosCannot, run: behind(301, 'post', json), expect: asGet },
  { name: 'a POST becomes a GET by 302', axiosCannot, run: behind(302, 'post', json), expect: asGet },
  { name: 'a POST becomes a GET by 303', axiosCannot, run: behind(303, 'post', json), expect: asGet },
  { name: 'a POST stays a POST by 307', axiosCannot, run: behind(307, 'post', json), expect: kept('POST') },
  { name: 'a POST stays a POST by 308', axiosCannot, run: behind(308, 'post', json), expect: kept('POST') },
  { name: 'a PUT stays a PUT by 302', axiosCannot, run: behind(302, 'put', json), expect: kept('PUT') },
  { name: 'a PUT becomes a GET by 303', axiosCannot, run: behind(303, 'put', json), expect: asGet },
  {
    name: 'a DELETE stays a DELETE by 301',
    axiosCannot,
    run: behind(301, 'delete'),
    expect: ['DELETE', '', undefined],
  },
  {
    name: 'a HEAD stays a HEAD by 303',
    axiosCannot,
    run: async ({ http, serve }) => {
      const methods: unknown[] = [];
      const last = serve(({ method }, response) => {
        methods.push(method);
        response.end();
      });
      await http.head(serve(redirectsTo(303, last)));
      return methods;
    },
    expect: ['HEAD'],
  },
  { name: '300 with a location is followed', axiosCannot, run: behind(300, 'get'), expect: ['GET', '', undefined] },
  {
    name: 'a stream is sent again by 307',
    axiosCannot,
    run: behind(307, 'put', () => Readable.from(['a', 'b', 'c']), { headers: { 'Content-Type': 'text/plain' } }),
    expect: ['PUT', 'abc', 'text/plain'],
  },
  {
    name: 'a form is sent again by 308',
    axiosCannot,
    run: async ({ http, serve }) => {
      const form = new FormData();
      form.append('a', '1');
      return (await echoed(http.post(serve(redirectsTo(308, '/echo')), form))).body.includes('name="a"');
    },
    expect: true,
  },
  {
    name: 'content headers are dropped with the body, others stay',
    axiosCannot,
    run: async ({ http, serve }) => {
      const headers = { 'Content-Language': 'de', 'X-Kept': '1' };
      const { headers: got } = await echoed(http.post(serve(redirectsTo(302, '/echo')), 'x', { headers }));
      return [got['content-language'], got['content-type'], got['content-length'], got['x-kept']];
    },
    expect: [undefined, undefined, undefined, '1'],
  },
];
