/** Bytes as request bodies. */
import type { AxiosRequestConfig } from 'axios';
import type { Case } from '../case.js';
import { echoed } from '../outcomes.js';

/** What arrives of `data`, with its content type and length. */
const sent =
  (data: () => unknown, config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http }) => {
    const { body, headers } = await echoed(http.post('/echo', data(), config));
    return { body, type: headers['content-type'], length: headers['content-length'] };
  };

const form = 'application/x-www-form-urlencoded';

export const binaryBodies: readonly Case[] = [
  {
    name: 'a Buffer goes byte by byte',
    run: async ({ http }) => (await echoed(http.put('/echo', Buffer.from([0, 128, 255])))).base64,
    expect: Buffer.from([0, 128, 255]).toString('base64'),
  },
  {
    name: 'an empty Buffer has length 0',
    run: sent(() => Buffer.alloc(0)),
    expect: { body: '', type: form, length: '0' },
  },
  {
    name: 'an ArrayBuffer goes byte by byte',
    run: sent(() => new TextEncoder().encode('bytes').buffer),
    expect: { body: 'bytes', type: form, length: '5' },
  },
  {
    name: 'a typed array goes with the whole of its buffer',
    run: sent(() => new Uint16Array([0x4241, 0x4443]).subarray(1)),
    expect: { body: 'ABCD', type: form, length: '4' },
  },
  {
    name: 'a DataView goes as its bytes',
    run: sent(() => new DataView(new TextEncoder().encode('view').buffer)),
    expect: { body: 'view', type: form, length: '4' },
  },
  {
    name: 'a Blob brings its type and its length',
    run: sent(() => new Blob(['blob'], { type: 'text/csv' })),
    expect: { body: 'blob', type: 'text/csv', length: '4' },
  },
  {
    name: "a Blob's type goes before the caller's",
    run: sent(() => new Blob(['blob'], { type: 'text/csv' }), { headers: { 'Content-Type': 'text/plain' } }),
    expect: { body: 'blob', type: 'text/csv', length: '4' },
  },
  {
    name: 'a Blob without a type is bytes',
    run: sent(() => new Blob(['blob'])),
    expect: { body: 'blob', type: 'application/octet-stream', length: '4' },
  },
  {
    name: 'an empty Blob has length 0 and no type of its own',
    run: sent(() => new Blob([], { type: 'text/csv' })),
    expect: { body: '', type: form, length: '0' },
  },
  {
    name: 'a File is a Blob',
    run: sent(() => new File(['file'], 'a.txt', { type: 'text/plain' })),
    expect: { body: 'file', type: 'text/plain', length: '4' },
  },
  {
    name: 'a megabyte arrives whole',
    run: async ({ http }) => (await echoed(http.post('/echo', Buffer.alloc(1 << 20, 'm')))).body.length,
    expect: 1 << 20,
  },
];
