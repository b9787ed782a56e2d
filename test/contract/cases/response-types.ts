/** What becomes of a response's body: types, encodings, JSON. */
import { Readable } from 'node:stream';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { expect } from 'vitest';
import type { Case } from '../case.js';
import { failure, pick, textOf } from '../outcomes.js';
import { sends } from '../server.js';

/** What comes of a body of these bytes. */
const received =
  (body: Buffer | string, config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http, serve }) =>
    (await http.get(serve(sends({ body, headers: { 'content-type': 'text/plain' } })), config)).data;

const bom = '\ufeff';
const document = '{"a":1}';

export const responseTypes: readonly Case[] = [
  { name: 'JSON is parsed, whatever its media type', run: received(document), expect: { a: 1 } },
  { name: 'what is no JSON stays text', run: received('{a:1}'), expect: '{a:1}' },
  { name: 'an empty body is an empty text', run: received(''), expect: '' },
  { name: 'a scalar is JSON', run: received('42'), expect: 42 },
  { name: "'text' is not parsed", run: received(document, { responseType: 'text' }), expect: document },
  { name: "'json' is parsed", run: received(document, { responseType: 'json' }), expect: { a: 1 } },
  { name: "'json' leaves what is no JSON as text", run: received('{a:1}', { responseType: 'json' }), expect: '{a:1}' },
  { name: "'json' of an empty body is an empty text", run: received('', { responseType: 'json' }), expect: '' },
  {
    name: "'json' without silent parsing is an error",
    run: async ({ http, serve }) => {
      const path = serve(sends({ body: '{a:1}' }));
      const error = await failure(http.get(path, { responseType: 'json', transitional: { silentJSONParsing: false } }));
      return [error.code, error.name, error.response?.status, error.response?.data];
    },
    expect: ['ERR_BAD_RESPONSE', 'SyntaxError', 200, '{a:1}'],
  },
  {
    name: 'without forced parsing JSON stays text',
    run: received(document, { transitional: { forcedJSONParsing: false } }),
    expect: document,
  },
  {
    name: 'a reviver sees each value',
    run: received('{"a":1}', { parseReviver: (_: string, value: unknown) => (value === 1 ? 'one' : value) }),
    expect: { a: 'one' },
  },
  {
    name: "'arraybuffer' is a Buffer",
    run: received(Buffer.from([0, 128, 255]), { responseType: 'arraybuffer' }),
    expect: Buffer.from([0, 128, 255]),
  },
  {
    name: "'arraybuffer' of an empty body is an empty Buffer",
    run: received('', { responseType: 'arraybuffer' }),
    expect: Buffer.alloc(0),
  },
  {
    name: "'stream' is a readable stream of bytes",
    run: async ({ http, serve }) => {
      const { data } = await http.get(serve(sends({ body: document })), { responseType: 'stream' });
      return [data instanceof Readable, await textOf(data)];
    },
    expect: [true, document],
  },
  {
    name: "'stream' of an empty body ends",
    run: async ({ http, serve }) => textOf((await http.get(serve(sends({})), { responseType: 'stream' })).data),
    expect: '',
  },
  {
    name: "'blob' is text",
    run: received(document, { responseType: 'blob' }),
    expect: document,
    differs: { reason: "`responseType: 'blob'` gives a Blob.", expect: expect.any(Blob) },
  },
  {
    name: "'document' is text",
    run: received('<a/>', { responseType: 'document' }),
    expect: '<a/>',
  },
  {
    name: "'formdata' is text",
    run: received('a=1', { responseType: 'formdata' as 'text' }),
    expect: 'a=1',
  },
  {
    name: 'responseEncoding says how bytes become text',
    run: async ({ http, serve }) => {
      const path = serve(sends({ body: Buffer.from([0xe4, 0x62]) }));
      const encodings = ['latin1', 'hex', 'base64', 'utf16le', 'binary'] as const;
      const answers = encodings.map((responseEncoding) => http.get(path, { responseType: 'text', responseEncoding }));
      return (await Promise.all(answers)).map(({ data }: AxiosResponse) => data);
    },
    expect: ['äb', 'e462', '5GI=', '\u62e4', 'äb'],
  },
  {
    name: 'a character split between chunks arrives whole',
    run: async ({ http, serve }) => {
      const path = serve((_, response) => {
        const bytes = Buffer.from('ü');
        response.write(bytes.subarray(0, 1));
        setImmediate(() => response.end(bytes.subarray(1)));
      });
      return (await http.get(path)).data;
    },
    expect: 'ü',
  },
  { name: 'a byte order mark is taken away', run: received(`${bom}text`), expect: 'text' },
  { name: 'a byte order mark before JSON is taken away', run: received(`${bom}{"a":1}`), expect: { a: 1 } },
  {
    name: 'a byte order mark stays in another encoding',
    run: received(`${bom}t`, { responseEncoding: 'latin1', responseType: 'text' }),
    expect: '\u00ef\u00bb\u00bft',
  },
  {
    name: 'a byte order mark stays in bytes',
    run: received(`${bom}t`, { responseType: 'arraybuffer' }),
    expect: Buffer.from(`${bom}t`),
  },
  {
    name: 'a charset in the media type changes nothing',
    run: async ({ http, serve }) => {
      const headers = { 'content-type': 'text/plain; charset=iso-8859-1' };
      return (await http.get(serve(sends({ body: Buffer.from('ü'), headers })))).data;
    },
    expect: 'ü',
  },
  {
    name: '204 and 304 have an empty body',
    run: async ({ http, serve }) => {
      const ask = (status: number) => http.get(serve(sends({ status })), { validateStatus: null });
      return (await Promise.all([204, 304].map(ask))).map((response) => pick(response, 'status', 'data'));
    },
    expect: [
      { status: 204, data: '' },
      { status: 304, data: '' },
    ],
  },
];
