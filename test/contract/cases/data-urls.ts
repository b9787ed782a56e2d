/** `data:` URLs, for which there must be no `baseURL`: to axios they are not absolute. */
import type { AxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import { type Case, once } from '../case.js';
import { pick, refusal, textOf } from '../outcomes.js';

const url = `data:text/plain;base64,${Buffer.from('ü{}').toString('base64')}`;

const read =
  (config: AxiosRequestConfig, from = url): Case['run'] =>
  async ({ http }) =>
    (await http.get(from, { baseURL: '', ...config })).data;

export const dataUrls: readonly Case[] = [
  { name: 'base64 as text', only: once, run: read({ responseType: 'text' }), expect: 'ü{}' },
  { name: 'base64 as bytes', only: once, run: read({ responseType: 'arraybuffer' }), expect: Buffer.from('ü{}') },
  {
    name: 'percent escapes as text',
    only: once,
    run: read({ responseType: 'text' }, 'data:,a%20b'),
    expect: 'a b',
  },
  {
    name: 'as a Blob with its type',
    only: once,
    run: async ({ http }) => {
      const blob: Blob = (await http.get(url, { baseURL: '', responseType: 'blob' })).data;
      return [blob.type, await blob.text()];
    },
    expect: ['text/plain', 'ü{}'],
  },
  {
    name: 'as a stream',
    only: once,
    run: async ({ http }) => textOf((await http.get(url, { baseURL: '', responseType: 'stream' })).data),
    expect: 'ü{}',
  },
  {
    name: 'the answer is 200 OK without headers',
    only: once,
    run: async ({ http }) => {
      const { status, statusText, headers } = await http.get(url, { baseURL: '' });
      return { status, statusText, headers: Object.keys(headers) };
    },
    expect: { status: 200, statusText: 'OK', headers: [] },
  },
  {
    name: 'another method than GET is not allowed',
    only: once,
    run: ({ http }) => refusal(http.post(url, 'x', { baseURL: '' })),
    expect: { code: 'ERR_BAD_REQUEST', message: 'Request failed with status code 405', status: 405 },
  },
  {
    name: 'maxContentLength holds',
    only: once,
    run: async ({ http }) =>
      pick((await refusal(http.get(url, { baseURL: '', maxContentLength: 2 }))) as { code: string }, 'code'),
    expect: { code: 'ERR_BAD_RESPONSE' },
  },
  {
    name: 'what is no data URL is refused',
    only: once,
    run: async ({ http }) =>
      pick((await refusal(http.get('data:nothing', { baseURL: '' }))) as { code: string }, 'code'),
    expect: { code: expect.stringMatching(/^ERR_(INVALID_URL|BAD_REQUEST)$/) },
  },
];
