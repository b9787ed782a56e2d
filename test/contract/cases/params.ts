/** Query strings: `params` and `paramsSerializer`. */
import type { AxiosRequestConfig } from 'axios';
import { type Case, once } from '../case.js';
import { echoed, failure, pick } from '../outcomes.js';

/** The query that `config` makes of `/echo`. */
const query =
  (config: AxiosRequestConfig, url = '/echo'): Case['run'] =>
  async ({ http }) =>
    (await echoed(http.get(url, config))).url.replace(/^\/echo\??/, '');

const list = { params: { a: [1, 2] } };
const nested = { params: { a: { b: { c: 1 } } } };

export const params: readonly Case[] = [
  { name: 'scalars become text', run: query({ params: { a: 1, b: 'x', c: true } }), expect: 'a=1&b=x&c=true' },
  { name: 'null and undefined are left out', run: query({ params: { a: null, b: undefined, c: 0 } }), expect: 'c=0' },
  { name: 'an empty text stays', run: query({ params: { a: '' } }), expect: 'a=' },
  { name: 'no parameter, no question mark', run: query({ params: {} }), expect: '' },
  { name: 'arrays get brackets', run: query(list), expect: 'a%5B%5D=1&a%5B%5D=2' },
  {
    name: 'indexes: null repeats the bare name',
    run: query({ ...list, paramsSerializer: { indexes: null } }),
    expect: 'a=1&a=2',
  },
  {
    name: 'indexes: true numbers the brackets',
    run: query({ ...list, paramsSerializer: { indexes: true } }),
    expect: 'a%5B0%5D=1&a%5B1%5D=2',
  },
  { name: 'an empty array sends nothing', run: query({ params: { a: [], b: 1 } }), expect: 'b=1' },
  { name: 'objects are nested in brackets', run: query(nested), expect: 'a%5Bb%5D%5Bc%5D=1' },
  {
    name: 'dots: true nests by dots',
    run: query({ ...nested, paramsSerializer: { dots: true } as object }),
    expect: 'a.b.c=1',
  },
  {
    name: 'a date is sent in ISO form',
    run: query({ params: { at: new Date(Date.UTC(2020, 1, 3)) } }),
    expect: 'at=2020-02-03T00:00:00.000Z',
  },
  {
    name: 'URLSearchParams are taken as they are',
    run: query({
      params: new URLSearchParams([
        ['a', '1 2'],
        ['a', 'ü'],
      ]),
    }),
    expect: 'a=1+2&a=%C3%BC',
  },
  {
    name: 'colon, dollar and comma stay, a space becomes a plus sign',
    run: query({ params: { q: 'a:$,b c' } }),
    expect: 'q=a:$,b+c',
  },
  {
    name: 'what has a meaning in a query is encoded',
    run: query({ params: { 'q&': 'a&b=c?d#e/[]' } }),
    expect: 'q%26=a%26b%3Dc%3Fd%23e%2F%5B%5D',
  },
  {
    name: 'parameters follow those of the URL, in place of a fragment',
    run: query({ params: { b: 2 } }, '/echo?a=1#there'),
    expect: 'a=1&b=2',
  },
  {
    name: 'a function as serializer',
    run: query({ ...list, paramsSerializer: (given: object) => `json=${JSON.stringify(given).length}` } as object),
    expect: 'json=11',
  },
  {
    name: 'serialize gets the options too',
    run: query({ ...list, paramsSerializer: { indexes: true, serialize: (_, options) => `i=${options?.indexes}` } }),
    expect: 'i=true',
  },
  {
    name: 'encode is asked for names and values',
    run: query({ params: { a: 'b' }, paramsSerializer: { encode: (text) => `-${text}-` } }),
    expect: '-a-=-b-',
  },
  {
    name: 'a visitor decides what becomes of a value',
    run: query({
      params: { a: 1, b: 2 },
      paramsSerializer: {
        visitor(this: FormData, value: number, key: string) {
          this.append(key, String(value * 10));
          return false;
        },
      } as object,
    }),
    expect: 'a=10&b=20',
  },
  {
    name: 'parameters of the instance and of the call are merged',
    run: async ({ fresh }) => {
      const http = await fresh();
      http.defaults.params = { a: 1, b: 1 };
      return (await echoed(http.get('/echo', { params: { b: 2 } }))).url;
    },
    expect: '/echo?a=1&b=2',
  },
  {
    name: 'a serializer that throws refuses the request',
    only: once,
    run: async ({ http }) => {
      const serialize = () => {
        throw new Error('no such thing');
      };
      return pick(await failure(http.get('/echo', { ...list, paramsSerializer: { serialize } })), 'code', 'message');
    },
    expect: { code: 'ERR_BAD_REQUEST', message: 'no such thing' },
  },
];
