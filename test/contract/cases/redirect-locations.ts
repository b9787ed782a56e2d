/** Where redirects lead, and how many are followed. */
import { type Case, h1, h2 } from '../case.js';
import { echoed, failure, pick, refusal } from '../outcomes.js';
import { redirects, sends } from '../server.js';

/** axios follows no redirect over HTTP/2. */
const axiosCannot = h2;

export const redirectLocations: readonly Case[] = [
  {
    name: 'a relative location is resolved against the URL before',
    axiosCannot,
    run: async ({ http, serve }) => (await echoed(http.get(serve(redirects(302, 'echo?a=1'))))).url,
    expect: '/echo?a=1',
  },
  {
    name: 'a location of a query alone keeps the path',
    axiosCannot,
    run: async ({ http, serve }) => {
      const path = serve((request, response) => {
        if (request.url?.includes('?')) response.end(request.url);
        else response.writeHead(302, { location: '?again' }).end();
      });
      return (await http.get(path)).data.replace(path, '');
    },
    expect: '?again',
  },
  {
    name: 'a location beyond ASCII is percent-encoded',
    axiosCannot,
    run: async ({ http, serve }) => (await echoed(http.get(serve(redirects(302, '/echo?q=a b'))))).url,
    expect: '/echo?q=a%20b',
  },
  {
    name: 'several redirects are followed in turn',
    axiosCannot,
    run: async ({ http, serve }) => {
      const third = serve(redirects(302, '/echo'));
      const second = serve(redirects(301, third));
      return (await http.get(serve(redirects(307, second)))).status;
    },
    expect: 200,
  },
  {
    name: 'responseUrl is where the last redirect led',
    axiosCannot,
    run: async ({ http, serve, origin }) => {
      const { request } = await http.get(serve(redirects(302, '/echo?a=1')));
      return request.res.responseUrl.replace(origin, '');
    },
    expect: '/echo?a=1',
  },
  {
    name: 'config.url stays what the caller asked for',
    axiosCannot,
    run: async ({ http, serve }) => {
      const path = serve(redirects(302, '/echo'));
      return (await http.get(path)).config.url === path;
    },
    expect: true,
  },
  {
    name: 'the cookies of a redirect are not kept',
    axiosCannot,
    run: async ({ http, serve }) =>
      (await echoed(http.get(serve(redirects(302, '/echo', { 'set-cookie': 'a=1' }))))).headers.cookie,
    expect: undefined,
  },
  {
    name: 'the body of a redirect is of no use to anybody',
    axiosCannot,
    run: async ({ http, serve }) => {
      const headers = { location: '/echo' };
      return (await http.get(serve(sends({ status: 302, headers, body: 'x'.repeat(100_000) })))).data.url;
    },
    expect: '/echo',
  },
  {
    name: 'a 3xx without a location is an answer',
    run: ({ http, serve }) => refusal(http.get(serve(sends({ status: 302 })))),
    expect: { code: 'ERR_BAD_RESPONSE', message: 'Request failed with status code 302', status: 302 },
  },
  {
    name: 'maxRedirects: 0 makes a redirect an answer',
    run: async ({ http, serve }) => {
      const config = { maxRedirects: 0, validateStatus: null };
      const { status, headers } = await http.get(serve(redirects(302, '/echo')), config);
      return [status, headers.location];
    },
    expect: [302, '/echo'],
  },
  {
    name: 'maxRedirects: 0 rejects a redirect by its status',
    run: ({ http, serve }) => refusal(http.get(serve(redirects(301, '/echo')), { maxRedirects: 0 })),
    expect: { code: 'ERR_BAD_RESPONSE', message: 'Request failed with status code 301', status: 301 },
  },
  {
    name: 'maxRedirects are followed, and not one more',
    axiosCannot,
    run: async ({ http, serve }) => {
      const two = serve(redirects(302, serve(redirects(302, '/echo'))));
      const { status } = await http.get(two, { maxRedirects: 2 });
      return [status, await refusal(http.get(two, { maxRedirects: 1 }))];
    },
    expect: [200, { code: 'ERR_FR_TOO_MANY_REDIRECTS', message: 'Maximum number of redirects exceeded' }],
  },
  {
    name: 'a redirect in circles ends',
    axiosCannot,
    run: async ({ http, serve }) => {
      let count = 0;
      const path = serve((request, response) => {
        count++;
        response.writeHead(302, { location: request.url ?? '' }).end();
      });
      return [(await failure(http.get(path))).code, count];
    },
    expect: ['ERR_FR_TOO_MANY_REDIRECTS', 22],
  },
  {
    name: 'a location of another protocol fails',
    only: h1,
    run: async ({ http, serve }) => pick(await failure(http.get(serve(redirects(302, 'ftp://a/b')))), 'code'),
    expect: { code: 'ERR_FR_REDIRECTION_FAILURE' },
  },
];
