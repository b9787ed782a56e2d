/** What `beforeRedirect` is told, and what it may do. */
import type { AxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import { h2 as axiosCannot, type Case } from '../case.js';
import { echoed, failure, pick } from '../outcomes.js';
import { redirects } from '../server.js';

type BeforeRedirect = NonNullable<AxiosRequestConfig['beforeRedirect']>;

/** What arrives behind a redirect that `beforeRedirect` has seen. */
const seenBy =
  (beforeRedirect: BeforeRedirect, config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http, serve }) =>
    (await echoed(http.get(serve(redirects(302, '/echo')), { beforeRedirect, ...config }))).headers['x-seen'];

export const beforeRedirect: readonly Case[] = [
  {
    name: 'beforeRedirect sees where it goes, what was answered and what was asked',
    axiosCannot,
    run: async ({ http, serve, origin }) => {
      const path = serve(redirects(302, '/echo?a=1', { 'x-hint': 'h' }));
      const seen: unknown[] = [];
      const hook: BeforeRedirect = (options, answer, asked) => {
        const { method, href, hostname, path: next } = options;
        seen.push({ method, href: href.replace(origin, ''), hostname, next });
        seen.push({ hint: answer.headers['x-hint'], status: answer.statusCode });
        seen.push({ url: asked?.url.replace(origin, '').replace(path, 'the path'), method: asked?.method });
      };
      await http.get(path, { beforeRedirect: hook });
      return seen;
    },
    expect: [
      {
        method: 'GET',
        href: '/echo?a=1',
        hostname: expect.stringMatching(/^(127.0.0.1|localhost)$/),
        next: '/echo?a=1',
      },
      { hint: 'h', status: 302 },
      { url: 'the path', method: 'GET' },
    ],
  },
  {
    name: 'beforeRedirect can add a header',
    axiosCannot,
    run: seenBy((options) => {
      options.headers['x-seen'] = 'yes';
    }),
    expect: 'yes',
  },
  {
    name: 'beforeRedirect can take a header away',
    axiosCannot,
    run: seenBy(
      (options) => {
        for (const name of Object.keys(options.headers))
          if (name.toLowerCase() === 'x-seen') delete options.headers[name];
      },
      { headers: { 'x-seen': 'no' } },
    ),
    expect: undefined,
  },
  {
    name: 'beforeRedirect can give another path',
    axiosCannot,
    run: async ({ http, serve }) => {
      const hook: BeforeRedirect = (options) => {
        options.path = '/echo?changed';
      };
      return (await echoed(http.get(serve(redirects(302, '/echo')), { beforeRedirect: hook }))).url;
    },
    expect: '/echo?changed',
  },
  {
    name: 'beforeRedirect that throws ends the call',
    axiosCannot,
    run: async ({ http, serve }) => {
      const hook = () => {
        throw new Error('Not there.');
      };
      return pick(await failure(http.get(serve(redirects(302, '/echo')), { beforeRedirect: hook })), 'code', 'message');
    },
    expect: { code: 'ERR_FR_REDIRECTION_FAILURE', message: 'Redirected request failed: Not there.' },
  },
  {
    name: 'beforeRedirect is not asked where nothing is followed',
    run: async ({ http, serve }) => {
      let asked = 0;
      const config = { maxRedirects: 0, validateStatus: null, beforeRedirect: () => void asked++ };
      await http.get(serve(redirects(302, '/echo')), config);
      return asked;
    },
    expect: 0,
  },
];
