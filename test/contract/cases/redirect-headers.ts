/** What goes along to another origin, and what does not. */
import type { AxiosRequestConfig } from 'axios';
import { h2 as axiosCannot, type Case, once } from '../case.js';
import { echoed, failure, pick } from '../outcomes.js';
import { redirects } from '../server.js';

const secrets = { Authorization: 'Bearer t', Cookie: 'a=1', 'X-Api-Key': 'k', 'X-Other': 'o' };
const names = ['authorization', 'cookie', 'x-api-key', 'x-other'] as const;

/** Which of the secret headers arrive behind a redirect. */
const forwarded =
  (there: 'same origin' | 'elsewhere', config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http, serve, elsewhere }) => {
    const location = there === 'elsewhere' ? `${elsewhere}/echo` : '/echo';
    const { headers } = await echoed(http.get(serve(redirects(302, location)), { headers: secrets, ...config }));
    return names.filter((name) => headers[name] !== undefined);
  };

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const auth = { username: 'u', password: 'p' };

export const redirectHeaders: readonly Case[] = [
  { name: 'all headers go along to the same origin', axiosCannot, run: forwarded('same origin'), expect: names },
  {
    name: 'authorization and cookies do not go to another origin, other headers do',
    axiosCannot,
    run: forwarded('elsewhere'),
    expect: ['x-api-key', 'x-other'],
  },
  {
    name: 'sensitiveHeaders do not go to another origin either',
    axiosCannot,
    run: forwarded('elsewhere', { sensitiveHeaders: ['x-api-KEY'] } as object),
    expect: ['x-other'],
  },
  {
    name: 'sensitiveHeaders go along to the same origin',
    axiosCannot,
    run: forwarded('same origin', { sensitiveHeaders: ['x-api-key'] } as object),
    expect: names,
  },
  {
    name: 'sensitiveHeaders has to be a list of strings',
    only: ['http', 'https'],
    run: async ({ http }) => pick(await failure(http.get('/echo', { sensitiveHeaders: 'x' } as object)), 'code'),
    expect: { code: 'ERR_BAD_OPTION_VALUE' },
  },
  {
    name: 'auth goes along to the same origin',
    axiosCannot,
    run: async ({ http, serve }) =>
      (await echoed(http.get(serve(redirects(302, '/echo')), { auth }))).headers.authorization,
    expect: basic('u:p'),
  },
  {
    name: 'auth does not go to another origin',
    axiosCannot,
    run: async ({ http, serve, elsewhere }) =>
      (await echoed(http.get(serve(redirects(302, `${elsewhere}/echo`)), { auth }))).headers.authorization,
    expect: undefined,
  },
  {
    name: 'credentials of the URL do not go to another origin',
    axiosCannot,
    run: async ({ http, serve, origin, elsewhere }) => {
      const url = origin.replace('://', '://u:p@') + serve(redirects(302, `${elsewhere}/echo`));
      return (await echoed(http.get(url))).headers.authorization;
    },
    expect: undefined,
  },
  {
    name: 'the body goes along to another origin by 307',
    axiosCannot,
    run: async ({ http, serve, elsewhere }) =>
      (await echoed(http.post(serve(redirects(307, `${elsewhere}/echo`)), { a: 1 }))).body,
    expect: '{"a":1}',
  },
  {
    name: 'the host header is that of the other origin',
    only: once,
    run: async ({ http, serve, elsewhere }) => {
      const headers = { Host: 'example.test' };
      const echo = await echoed(http.get(serve(redirects(302, `${elsewhere}/echo`)), { headers }));
      return echo.headers.host === new URL(elsewhere).host;
    },
    expect: true,
  },
];
