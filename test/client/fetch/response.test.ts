/** client.fetch: what comes back, against Node's own fetch. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../support/upstream.js';
import { answering, both, told } from './both.js';

const raw =
  (text: string): Behaviour =>
  (request) =>
    void request.socket.end(text);

describe('an answer is what it is by Node’s fetch', () => {
  it.each<[string, Behaviour, RequestInit?]>([
    ['200 with a body', answering(200, { 'content-type': 'text/plain', 'x-a': 'b' }, 'hello')],
    ['an empty body', answering(200, { 'content-length': '0' })],
    ['201', answering(201, {}, '{}')],
    ['several cookies', answering(200, { 'set-cookie': ['a=1; Path=/', 'b=2'] }, 'x')],
    ['headers that come twice', answering(200, { 'x-a': ['1', '2'] }, 'x')],
    ['a header in latin1', answering(200, { 'x-a': 'é' }, 'x')],
    ['404', answering(404, {}, 'gone')],
    ['500', answering(500, {}, 'broken')],
    ['599', answering(599, {}, 'odd')],
    ['a reason of its own', answering(200, {}, 'x', 'Fine Indeed')],
    ['no reason', raw('HTTP/1.1 200 \r\nconnection: close\r\n\r\nbody')],
    ['204', answering(204)],
    ['205', answering(205, { 'content-length': '0' })],
    ['304', answering(304)],
    ['HEAD', answering(200, { 'content-length': '5' }, 'hello'), { method: 'HEAD' }],
    ['a 302 that is not to be followed', answering(302, { location: '/next' }, 'there'), { redirect: 'manual' }],
    ['a 3xx without a location', answering(302, {}, 'nowhere')],
    [
      'a chunked body with trailers',
      raw(
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n',
      ),
    ],
  ])('%s', async (_, behaviour, init) => {
    const { of } = await both(behaviour, { retry: false });
    const [standard, ours] = await of(async (fetch, origin) => told(await fetch(`${origin}/path?q#fragment`, init)));
    expect(standard.error).toBeUndefined();
    expect(ours.value).toEqual(standard.value);
  });

  it('a compressed body is unpacked', async () => {
    const packed: Behaviour = (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync('packed'));
    };
    const { of } = await both(packed);
    const [standard, ours] = await of(async (fetch, origin) => (await fetch(origin)).text());
    expect([standard.value, ours.value]).toEqual(['packed', 'packed']);
  });

  it('a large body comes whole, piece by piece', async () => {
    const { of } = await both((_, response) => void response.end(Buffer.alloc(8_000_000, 'x')));
    const [standard, ours] = await of(async (fetch, origin) => {
      let size = 0;
      let pieces = 0;
      for await (const chunk of (await fetch(origin)).body as unknown as AsyncIterable<Uint8Array>) {
        size += chunk.length;
        pieces++;
      }
      return { size, many: pieces > 10 };
    });
    expect(ours.value).toEqual(standard.value);
  });

  it('json, bytes, a blob, a form; read once, and cloned before', async () => {
    const { of } = await both(answering(200, { 'content-type': 'application/x-www-form-urlencoded' }, 'a=1'));
    const [standard, ours] = await of(async (fetch, origin) => {
      const response = await fetch(origin);
      const copies = [response.clone(), response.clone(), response.clone()] as const;
      const [form, bytes, blob] = [await copies[0].formData(), await copies[1].arrayBuffer(), await copies[2].blob()];
      const text = await response.text();
      const again = await response.text().catch((error: Error) => error.name);
      return {
        form: [...form.entries()],
        bytes: bytes.byteLength,
        blob: [blob.type, blob.size],
        text,
        again,
        url: copies[0].url,
      };
    });
    expect(standard.error).toBeUndefined();
    expect(ours.value?.form).toEqual([['a', '1']]);
    expect({ ...ours.value, url: '' }).toEqual({ ...standard.value, url: '' });
    expect(ours.value?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  it('a reader may bring its own buffer', async () => {
    const { client } = await both(answering(200, {}, 'hello'));
    const reader = ((await client.fetch('/')).body as ReadableStream<Uint8Array>).getReader({ mode: 'byob' });
    const { value } = await reader.read(new Uint8Array(10));
    expect(new TextDecoder().decode(value)).toBe('hello');
    expect((await reader.read(new Uint8Array(10))).done).toBe(true);
  });

  it('a status that the standard does not know is told all the same', async () => {
    const { client } = await both(raw('HTTP/1.1 999 Odd\r\nconnection: close\r\n\r\nx'), { retry: false });
    const response = await client.fetch('/');
    expect({ status: response.status, ok: response.ok, text: await response.text() }).toEqual({
      status: 999,
      ok: false,
      text: 'x',
    });
  });
});

describe('redirects', () => {
  const chain: Behaviour = (request, response) => {
    const [, status = '200', left = '0'] = /^\/(\d+)\/(\d+)/.exec(request.url ?? '') ?? [];
    if (left === '0') response.end(`${request.method} arrived`);
    else response.writeHead(Number(status), { location: `/${status}/${Number(left) - 1}` }).end();
  };

  it.each([301, 302, 303, 307, 308])('%d is followed as the standard has it, by method', async (status) => {
    const { of } = await both(chain);
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
      const body =
        method === 'POST' || method === 'PUT' ? { body: 'payload', headers: { 'content-type': 'text/x' } } : {};
      const [standard, ours] = await of(async (fetch, origin) =>
        told(await fetch(`${origin}/${status}/2`, { method, ...body })),
      );
      expect(ours.value).toEqual(standard.value);
      const ways = [standard, ours].map(({ received }) =>
        received.map((each) => [each.method, each.body, each.headers['content-type']]),
      );
      expect(ways[1]).toEqual(ways[0]);
    }
  });

  it('twenty are followed, not twenty-one', async () => {
    const { of } = await both(chain);
    const [, twenty] = await of(async (fetch, origin) => (await fetch(`${origin}/302/20`)).redirected);
    expect(twenty.value).toBe(true);
    const [standard, ours] = await of((fetch, origin) => fetch(`${origin}/302/21`));
    expect([standard, ours].map(({ error }) => error?.name)).toEqual(['TypeError', 'TypeError']);
  });

  it('are a TypeError where redirect is "error"', async () => {
    const { of } = await both(chain);
    const [standard, ours] = await of((fetch, origin) => fetch(`${origin}/302/1`, { redirect: 'error' }));
    expect([standard, ours].map(({ error, received }) => [error?.name, received.length])).toEqual([
      ['TypeError', 1],
      ['TypeError', 1],
    ]);
  });

  it('carry no credentials to another origin', async () => {
    const other = await both(answering(200, {}, 'other'));
    const { of } = await both(answering(302, { location: `${other.upstream.origin}/there` }));
    const headers = { authorization: 'Bearer s3cr3t', cookie: 'a=b', 'x-a': '1' };
    // What Node's own fetch does not know it ignores.
    const init = { headers, allowAbsoluteUrls: true };
    const [standard, ours] = await of(async (fetch, origin) => (await fetch(origin, init)).text());
    expect([standard.value, ours.value]).toEqual(['other', 'other']);
    for (const request of other.upstream.requests) {
      expect(request.headers).not.toHaveProperty('authorization');
      expect(request.headers).not.toHaveProperty('cookie');
      expect(request.headers['x-a']).toBe('1');
    }
  });
});
