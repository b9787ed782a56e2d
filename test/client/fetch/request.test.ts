/** client.fetch: what is sent, against Node's own fetch. */
import type { HttpFetchInit } from 'pillion';
import { describe, expect, it } from 'vitest';
import { answering, both, seen } from './both.js';

const view = new Uint8Array([0, 104, 105, 0]).subarray(1, 3);
const shared = new SharedArrayBuffer(2);
new Uint8Array(shared).set([104, 105]);
const stream = () => new Blob(['stre', 'amed']).stream();
async function* pieces() {
  yield new TextEncoder().encode('pie');
  yield new TextEncoder().encode('ces');
}

const inputs: [string, (origin: string) => [string | URL | Request, HttpFetchInit?]][] = [
  ['a string', (origin) => [`${origin}/a?b=c&b=d#e`]],
  ['a URL', (origin) => [new URL('/a b', origin)]],
  ['odd characters in the URL', (origin) => [`${origin}/ü/%20?q=ä+b&x="'<>`]],
  ['dot segments', (origin) => [`${origin}/a/../b/./c`]],
  ['a Request', (origin) => [new Request(`${origin}/r`, { method: 'PUT', headers: { 'x-a': '1' }, body: 'text' })]],
  [
    'a Request without a body',
    (origin) => [
      new Request(`${origin}/r`, {
        headers: [
          ['x-a', '1'],
          ['x-a', '2'],
        ],
      }),
    ],
  ],
  [
    'a Request, and init before it',
    (origin) => [
      new Request(`${origin}/r`, { method: 'PUT', body: 'a', headers: { 'x-a': '1' } }),
      { method: 'POST', body: 'b', headers: { 'x-b': '2' } },
    ],
  ],
  [
    'a Request, and null as the body in init, which keeps its own',
    (origin) => [new Request(`${origin}/r`, { method: 'POST', body: 'a' }), { body: null }],
  ],
  [
    'a Request with a large body',
    (origin) => [new Request(`${origin}/r`, { method: 'POST', body: 'x'.repeat(1_300_000) })],
  ],
  [
    'a Request whose body is a stream',
    (origin) => [new Request(`${origin}/r`, { method: 'POST', body: stream(), duplex: 'half' } as RequestInit)],
  ],
  ['a method in small letters', (origin) => [`${origin}/`, { method: 'post' }]],
  ['DELETE', (origin) => [`${origin}/`, { method: 'DELETE' }]],
  ['a method of its own', (origin) => [`${origin}/`, { method: 'PROPFIND', body: 'x' }]],
  ['POST without a body', (origin) => [`${origin}/`, { method: 'POST' }]],
  [
    'headers of any form',
    (origin) => [
      `${origin}/`,
      {
        headers: new Headers([
          ['X-A', ' padded '],
          ['accept', 'text/x'],
        ]),
      },
    ],
  ],
  ['headers in latin1', (origin) => [`${origin}/`, { headers: { 'x-a': 'é' } }]],
  ['a string as body', (origin) => [`${origin}/`, { method: 'POST', body: 'text ü' }]],
  ['an empty string as body', (origin) => [`${origin}/`, { method: 'POST', body: '' }]],
  [
    'a body with a content type',
    (origin) => [`${origin}/`, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }],
  ],
  ['URLSearchParams', (origin) => [`${origin}/`, { method: 'POST', body: new URLSearchParams({ a: 'b c', d: 'ü&' }) }]],
  ['an ArrayBuffer', (origin) => [`${origin}/`, { method: 'PUT', body: new Uint8Array([104, 105]).buffer }]],
  ['a view of a buffer', (origin) => [`${origin}/`, { method: 'PUT', body: view }]],
  ['a Blob', (origin) => [`${origin}/`, { method: 'PUT', body: new Blob(['blob'], { type: 'text/x' }) }]],
  ['a File', (origin) => [`${origin}/`, { method: 'PUT', body: new File(['file'], 'a.txt', { type: 'text/y' }) }]],
  ['a stream', (origin) => [`${origin}/`, { method: 'POST', body: stream(), duplex: 'half' } as HttpFetchInit]],
  [
    'an async iterable',
    (origin) => [`${origin}/`, { method: 'POST', body: pieces() as never, duplex: 'half' } as HttpFetchInit],
  ],
  ['a number as body', (origin) => [`${origin}/`, { method: 'POST', body: 42 as never }]],
  ['null as body', (origin) => [`${origin}/`, { method: 'POST', body: null }]],
];

describe('what the server sees is what it sees of Node’s fetch', () => {
  it.each(inputs)('%s', async (_, call) => {
    const { of } = await both(answering(200));
    const [standard, ours] = await of((fetch, origin) => fetch(...call(origin)));
    expect(ours.error).toBeUndefined();
    expect(ours.received.map(seen)).toEqual(standard.received.map(seen));
    expect(ours.received).toHaveLength(1);
  });

  it('a form, but for its boundary', async () => {
    const { of } = await both(answering(200));
    const form = () => {
      const made = new FormData();
      made.append('a', 'ü "quoted"');
      made.append('a', 'again');
      made.append('file', new File(['content'], 'naïve "name".txt', { type: 'text/z' }));
      return made;
    };
    const [standard, ours] = await of((fetch, origin) => fetch(origin, { method: 'POST', body: form() }));
    const [a, b] = [standard, ours].map(({ received }) => {
      const [, boundary = ''] = /boundary=(.+)$/.exec(received[0]?.headers['content-type'] ?? '') ?? [];
      return received[0]?.body.replaceAll(boundary, 'BOUNDARY').trim();
    });
    expect(b).toBe(a);
  });

  it('a body that is changed afterwards, as it was', async () => {
    const { of } = await both(answering(200));
    const [standard, ours] = await of(async (fetch, origin) => {
      const bytes = new TextEncoder().encode('before');
      const call = fetch(origin, { method: 'POST', body: bytes });
      bytes.fill(120);
      return call;
    });
    expect([standard, ours].map(({ received }) => received[0]?.body)).toEqual(['before', 'before']);
  });
});

describe('what the standard refuses is a TypeError, and nothing is sent', () => {
  it.each<[string, (origin: string) => [string | Request, HttpFetchInit?]]>([
    ['GET with a body', (origin) => [origin, { body: 'x' }]],
    ['HEAD with a body', (origin) => [origin, { method: 'HEAD', body: 'x' }]],
    ['TRACE', (origin) => [origin, { method: 'TRACE' }]],
    ['CONNECT', (origin) => [origin, { method: 'connect' }]],
    ['a method that is no token', (origin) => [origin, { method: 'A B' }]],
    ['a header name that is no token', (origin) => [origin, { headers: { 'a b': '1' } }]],
    ['a header with a line break', (origin) => [origin, { headers: { a: 'b\r\nc: d' } }]],
    ['credentials in the URL', (origin) => [origin.replace('http://', 'http://u:p@')]],
    ['another scheme', () => ['ftp://a.test/']],
    ['an unknown redirect mode', (origin) => [origin, { redirect: 'perhaps' as never }]],
    ['a stream without duplex', (origin) => [origin, { method: 'POST', body: stream() }]],
    [
      'a body that was read',
      (origin) => {
        const request = new Request(origin, { method: 'POST', body: 'x' });
        void request.text();
        return [request];
      },
    ],
  ])('%s', async (_, call) => {
    const { of } = await both(answering(200));
    const [standard, ours] = await of(async (fetch, origin) => fetch(...call(origin)));
    expect(standard.error).toBeInstanceOf(TypeError);
    expect(ours.error).toBeInstanceOf(TypeError);
    expect(ours.received).toEqual([]);
  });
});

describe('what is its own way', () => {
  it('relative URLs are appended to baseURL, path and all', async () => {
    const { client, upstream } = await both(answering(200));
    client.update({ baseURL: `${upstream.origin}/v1` });
    expect((await client.fetch('/a?b=c')).url).toBe(`${upstream.origin}/v1/a?b=c`);
  });

  it('a method is in capitals whatever it is: servers refuse "patch"', async () => {
    const { client, upstream } = await both(answering(200));
    await client.fetch('/', { method: 'patch', body: 'x' });
    expect(upstream.requests[0]?.method).toBe('PATCH');
  });

  it('headers of the configuration are sent, those of the call before them', async () => {
    const { client, upstream } = await both(answering(200), { headers: { 'x-app': 'shop', accept: 'text/a' } });
    await client.fetch('/', { headers: { Accept: 'text/b' } });
    await client.fetch('/');
    expect(upstream.requests.map(({ headers }) => [headers['x-app'], headers.accept])).toEqual([
      ['shop', 'text/b'],
      ['shop', 'text/a'],
    ]);
  });

  it('a SharedArrayBuffer is sent', async () => {
    const { client, upstream } = await both(answering(200));
    await client.fetch('/', { method: 'PUT', body: shared as never });
    expect(upstream.requests[0]?.body).toBe('hi');
  });

  it('integrity is refused, as it is not checked', async () => {
    const { client } = await both(answering(200));
    await expect(client.fetch('/', { integrity: 'sha256-x' })).rejects.toThrow(/integrity is not supported/);
  });
});
