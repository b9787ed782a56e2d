/** What is sent for each kind of data. */
import type { AxiosRequestConfig } from 'axios';
import { type Case, h1, once } from '../case.js';
import { echoed, pick, refusal } from '../outcomes.js';

/** What arrives of `data`, with its content type and length. */
const sent =
  (data: () => unknown, config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http }) => {
    const { body, headers } = await echoed(http.post('/echo', data(), config));
    return { body, type: headers['content-type'], length: headers['content-length'] };
  };

const json = { headers: { 'Content-Type': 'application/json' } };
const urlencoded = { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
const form = 'application/x-www-form-urlencoded';

export const requestBodies: readonly Case[] = [
  {
    name: 'a plain object goes as JSON',
    run: sent(() => ({ a: 1, b: ['ü'] })),
    expect: { body: '{"a":1,"b":["ü"]}', type: 'application/json', length: '18' },
  },
  {
    name: 'an array goes as JSON',
    run: sent(() => [1, null]),
    expect: { body: '[1,null]', type: 'application/json', length: '8' },
  },
  {
    name: 'an object with toJSON says itself what goes',
    run: sent(() => ({ toJSON: () => ({ at: 1 }) })),
    expect: { body: '{"at":1}', type: 'application/json', length: '8' },
  },
  {
    name: 'the JSON media type of the caller stays',
    run: sent(() => ({ a: 1 }), { headers: { 'Content-Type': 'application/merge-patch+json' } }),
    expect: { body: '{"a":1}', type: 'application/merge-patch+json', length: '7' },
  },
  {
    name: 'a string goes as it is, as a form',
    run: sent(() => 'a=ü'),
    expect: { body: 'a=ü', type: form, length: '4' },
  },
  {
    name: 'a string that is JSON is not encoded twice',
    run: sent(() => ' {"a":1} ', json),
    expect: { body: '{"a":1}', type: 'application/json', length: '7' },
  },
  {
    name: 'a string that is no JSON is made JSON where the type says so',
    run: sent(() => 'text', json),
    expect: { body: '"text"', type: 'application/json', length: '6' },
  },
  {
    name: 'false, zero and null are JSON where the type says so',
    run: async ({ http }) => {
      const answers = await Promise.all([false, 0, null].map((data) => http.post('/echo', data, json)));
      return answers.map(({ data }) => data.body);
    },
    expect: ['false', '0', 'null'],
  },
  {
    name: 'no data, no body',
    only: h1,
    run: sent(() => undefined),
    expect: { body: '', type: form, length: '0' },
  },
  { name: 'null sends no body', only: h1, run: sent(() => null), expect: { body: '', type: form, length: '0' } },
  {
    name: 'an empty string sends no body',
    only: h1,
    run: sent(() => ''),
    expect: { body: '', type: form, length: '0' },
  },
  {
    name: 'URLSearchParams go as a form in UTF-8',
    run: sent(() => new URLSearchParams({ a: '1 2', b: 'ü' })),
    expect: { body: 'a=1+2&b=%C3%BC', type: `${form};charset=utf-8`, length: '14' },
  },
  {
    name: 'an object goes as a form where the type says so',
    run: sent(() => ({ a: 1, b: [1, 2], c: { d: 'x y' } }), urlencoded),
    expect: { body: 'a=1&b%5B%5D=1&b%5B%5D=2&c%5Bd%5D=x+y', type: form, length: '36' },
  },
  {
    name: 'a number without a media type is refused',
    only: once,
    run: ({ http }) => refusal(http.post('/echo', 42)),
    expect: {
      code: 'ERR_BAD_REQUEST',
      message: 'Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream',
    },
  },
  {
    name: 'an async iterable is an object like any other',
    run: async ({ http }) => {
      const data = { async *[Symbol.asyncIterator]() {}, a: 1 };
      return (await echoed(http.post('/echo', data))).body;
    },
    expect: '{"a":1}',
    differs: { reason: 'An async iterable is sent as a stream.', wires: ['client'], expect: '' },
  },
  {
    name: "the caller's content-length is kept",
    only: h1,
    run: async ({ http }) => {
      const headers = { 'Content-Length': '4', 'content-type': 'text/plain' };
      return pick((await echoed(http.post('/echo', 'four', { headers }))).headers, 'content-length', 'content-type');
    },
    expect: { 'content-length': '4', 'content-type': 'text/plain' },
  },
];
