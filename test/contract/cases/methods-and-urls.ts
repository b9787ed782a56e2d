/** Methods, and where a request goes. */
import { type Case, h1, h2, once } from '../case.js';
import { echoed, failure, pick, refusal } from '../outcomes.js';

export const methodsAndUrls: readonly Case[] = [
  {
    name: 'each shorthand sends its method',
    run: async ({ http }) => {
      const bare = ['get', 'delete', 'options'] as const;
      const withBody = ['post', 'put', 'patch'] as const;
      const calls = [...bare.map((name) => http[name]('/echo')), ...withBody.map((name) => http[name]('/echo', 'x'))];
      return (await Promise.all(calls)).map(({ data }) => data.method);
    },
    expect: ['GET', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH'],
  },
  {
    name: 'head has headers and an empty body',
    run: async ({ http }) => pick(await http.head('/echo'), 'status', 'data'),
    expect: { status: 200, data: '' },
  },
  {
    name: 'the instance called with a URL alone sends a GET',
    run: async ({ http }) => pick(await echoed(http('/echo')), 'method', 'url'),
    expect: { method: 'GET', url: '/echo' },
  },
  {
    name: 'a lower-case method goes out in upper case',
    run: async ({ http }) => (await echoed(http.request({ url: '/echo', method: 'report' as 'get' }))).method,
    expect: 'REPORT',
  },
  {
    name: 'QUERY takes a body',
    run: async ({ http }) => {
      const query = http.request({ url: '/echo', method: 'query' as 'post', data: { a: 1 } });
      return pick(await echoed(query), 'method', 'body');
    },
    expect: { method: 'QUERY', body: '{"a":1}' },
  },
  {
    name: 'GET and DELETE send a body where they are given one',
    axiosCannot: h2,
    run: async ({ http }) => {
      const answers = [http.get('/echo', { data: { a: 1 } }), http.delete('/echo', { data: 'gone' })];
      return (await Promise.all(answers)).map(({ data }) => data.body);
    },
    expect: ['{"a":1}', 'gone'],
  },
  {
    name: 'base URL and path are joined with one slash',
    run: async ({ http, origin }) => (await echoed(http.get('//a/b'.slice(1), { baseURL: `${origin}/api/` }))).url,
    expect: '/api/a/b',
  },
  {
    name: 'an absolute URL goes before the base URL',
    run: async ({ http, origin }) => (await echoed(http.get(`${origin}/a`, { baseURL: `${origin}/api` }))).url,
    expect: '/a',
  },
  {
    name: 'a URL without a path asks for the root',
    run: async ({ http, origin }) => (await echoed(http.get(`${origin}?a=1`))).url,
    expect: '/?a=1',
  },
  {
    name: 'a fragment is not sent',
    run: async ({ http }) => (await echoed(http.get('/a?b=1#fragment'))).url,
    expect: '/a?b=1',
  },
  {
    name: 'dot segments are resolved',
    run: async ({ http }) => (await echoed(http.get('/a/./b/../c'))).url,
    expect: '/a/c',
  },
  {
    name: 'what is beyond ASCII is percent-encoded',
    run: async ({ http }) => (await echoed(http.get('/straße/日本?q=ü "<'))).url,
    expect: '/stra%C3%9Fe/%E6%97%A5%E6%9C%AC?q=%C3%BC%20%22%3C',
  },
  {
    name: 'percent escapes and sub-delimiters stay as they are',
    run: async ({ http }) => (await echoed(http.get("/a%2Fb;c=1,d@e:f!$&'()*+?x=%20y&z=|"))).url,
    expect: "/a%2Fb;c=1,d@e:f!$&'()*+?x=%20y&z=|",
  },
  {
    name: 'an upper-case scheme is the same scheme',
    run: async ({ http, origin }) => (await echoed(http.get(origin.replace(/^https?/, (s) => s.toUpperCase())))).url,
    expect: '/',
  },
  {
    name: 'a host name is looked up',
    only: once,
    run: async ({ http, origin }) => (await echoed(http.get(`${origin.replace('127.0.0.1', 'localhost')}/a`))).url,
    expect: '/a',
  },
  {
    name: 'a protocol that is neither http nor https is refused',
    only: once,
    run: ({ http }) => refusal(http.get('ftp://localhost/a')),
    expect: { code: 'ERR_BAD_REQUEST', message: 'Unsupported protocol ftp:' },
  },
  {
    name: 'a scheme without its two slashes is refused',
    only: once,
    run: async ({ http }) => pick(await failure(http.get('http:/localhost/a')), 'code', 'isAxiosError'),
    expect: { code: 'ERR_INVALID_URL', isAxiosError: true },
  },
  {
    name: 'a URL that cannot be parsed is refused',
    only: once,
    run: async ({ http }) => (await failure(http.get('http://[::1/a'))).code,
    expect: 'ERR_INVALID_URL',
  },
  {
    name: 'a long URL arrives whole',
    only: h1,
    run: async ({ http }) => (await echoed(http.get(`/${'a'.repeat(8000)}`))).url.length,
    expect: 8001,
  },
  {
    name: 'control characters in a URL are stripped',
    only: once,
    run: ({ http }) =>
      http.get('/a\tb\nc').then(
        ({ data }) => data.url,
        ({ code }) => code,
      ),
    expect: '/abc',
    differs: { reason: 'Control characters in a URL are refused.', expect: 'ERR_INVALID_URL' },
  },
];
