/** Basic authentication. */
import type { AxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import type { Case } from '../case.js';
import { echoed } from '../outcomes.js';

/** The `Authorization` that arrives, in the clear. */
const authorized =
  (config: AxiosRequestConfig, credentials = ''): Case['run'] =>
  async ({ http, origin }) => {
    const url = `${origin.replace('://', `://${credentials}`)}/echo`;
    const { authorization = 'none' } = (await echoed(http.get(url, config))).headers;
    return authorization.replace(/^Basic (.*)$/, (_, text) => `Basic ${Buffer.from(text, 'base64')}`);
  };

const auth = { username: 'u', password: 'p' };

/** Over HTTP/2 axios hands `auth` to nobody. */
const axiosCannot = ['h2'] as const;

export const authentication: readonly Case[] = [
  { name: 'auth becomes a header', axiosCannot, run: authorized({ auth }), expect: 'Basic u:p' },
  {
    name: 'auth is encoded in UTF-8',
    axiosCannot,
    run: authorized({ auth: { username: 'ü', password: '日' } }),
    expect: 'Basic ü:日',
  },
  {
    name: 'a password can be missing',
    axiosCannot,
    run: authorized({ auth: { username: 'u' } as typeof auth }),
    expect: 'Basic u:',
  },
  { name: 'credentials of the URL become a header', axiosCannot, run: authorized({}, 'a:b@'), expect: 'Basic a:b' },
  {
    name: 'credentials of the URL are decoded',
    axiosCannot,
    run: authorized({}, 'my%40mail.test:p%3As@'),
    expect: 'Basic my@mail.test:p:s',
  },
  {
    name: 'auth goes before the credentials of the URL',
    axiosCannot,
    run: authorized({ auth }, 'a:b@'),
    expect: 'Basic u:p',
  },
  {
    name: 'auth goes before an Authorization header',
    axiosCannot,
    run: authorized({ auth, headers: { authorization: 'Bearer t' } }),
    expect: 'Basic u:p',
  },
  {
    name: 'without auth an Authorization header stays',
    run: authorized({ headers: { Authorization: 'Bearer t' } }),
    expect: 'Bearer t',
  },
  {
    name: 'the URL that is told has its credentials',
    only: ['http', 'https'],
    run: async ({ http, origin }) => {
      const { request } = await http.get(`${origin.replace('://', '://a:b@')}/echo`);
      return request.res.responseUrl.replace(new URL(origin).host, 'host');
    },
    expect: expect.stringMatching(/^https?:\/\/a:b@host\/echo$/),
    differs: {
      reason: '`response.request` holds no credentials.',
      expect: expect.stringMatching(/^https?:\/\/host\/echo$/),
    },
  },
];
