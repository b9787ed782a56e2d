/** Bodies come out of a fixture as they went in. */
import { existsSync } from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rejection, until } from '../support/client.js';
import { closing, startHttp } from '../support/upstream.js';
import { exchangesIn, over, place, recording, replaying } from './fixture-scene.js';

const json = { 'content-type': 'application/json' };

/** An answer, recorded and then replayed, as text and as bytes. */
async function twice(data: string | Buffer, headers: Record<string, string> = {}) {
  const file = place();
  const recorded = recording(file, [
    { data, headers },
    { data, headers },
  ]);
  const [asText, asBytes] = [{ responseType: 'text' }, { responseType: 'arraybuffer' }] as const;
  const first = [(await recorded.get('/x', asText)).data, (await recorded.get('/x', asBytes)).data];
  const replayed = replaying(file);
  const second = [(await replayed.get('/x', asText)).data, (await replayed.get('/x', asBytes)).data];
  return { first, second, kept: exchangesIn(file)[0]?.response };
}

describe('an answer', () => {
  it.each<[string, string | Buffer, object]>([
    ['{"id":1,"list":[true,null]}', '{"id":1,"list":[true,null]}', { json: { id: 1, list: [true, null] } }],
    ['a JSON text', '"hello"', { json: 'hello' }],
    ['JSON null', 'null', { json: null }],
    ['JSON 0', '0', { json: 0 }],
    ['JSON that looks like bytes of ours', '{"base64":"aGk="}', { json: { base64: 'aGk=' } }],
    ['a number beyond 2^53', '{"id":12345678901234567890}', { text: '{"id":12345678901234567890}' }],
    ['a name that comes twice', '{"a":1,"a":2}', { text: '{"a":1,"a":2}' }],
    ['an escape', '{"a":"\\u00e9\\/"}', { text: '{"a":"\\u00e9\\/"}' }],
    ['what is no JSON', '{"a":', { text: '{"a":' }],
    ['a text', 'plain é ü', { text: 'plain é ü' }],
    ['lines', '{"a":1}\n{"a":2}\n', { text: '{"a":1}\n{"a":2}\n' }],
    ['bytes', Buffer.from([0xff, 0, 0xfe]), { base64: '/wD+' }],
    ['a control character', 'a\u0000b', { base64: 'YQBi' }],
    ['nothing', '', {}],
  ])('is kept to the byte: %s', async (_, data, form) => {
    const { first, second, kept } = await twice(data, json);
    expect(second).toEqual(first);
    expect(second[1]).toEqual(Buffer.from(data as string));
    expect(kept).toEqual({ status: 200, headers: json, ...form });
  });

  it('of JSON loses its white space, and nothing else', async () => {
    const { first, second } = await twice('{ "a": [1,\n 2], "b c": " d  e " }', json);
    expect(second[0]).toBe('{"a":[1,2],"b c":" d  e "}');
    expect(JSON.parse(second[0])).toEqual(JSON.parse(first[0]));
  });

  it('may be any text or bytes', async () => {
    const body = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.json(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (data) => {
        const { first, second } = await twice(data, { 'content-type': 'application/octet-stream' });
        // JSON by its looks may lose white space; what it means stays.
        if (second[0] !== first[0]) expect(JSON.parse(second[0])).toEqual(JSON.parse(first[0]));
        else expect(second).toEqual(first);
      }),
      { numRuns: 60 },
    );
  });

  it('in another encoding, as a Blob and as a stream comes as the wire gives it', async () => {
    const file = place();
    const data = Buffer.from('caf\xe9', 'latin1');
    const asked = [{ responseEncoding: 'latin1' }, { responseType: 'blob' }, { responseType: 'stream' }] as const;
    const given = async (client: ReturnType<typeof replaying>) => {
      const [latin, blob, stream] = await Promise.all(
        asked.map(async (each) => (await client.get('/x', { ...each } as object)).data),
      );
      return [latin, Buffer.from(await blob.arrayBuffer()), await buffer(stream)];
    };
    const real = await given(recording(file, [{ reply: { data } }]));
    expect(real).toEqual(['café', data, data]);
    expect(await given(replaying(file))).toEqual(real);
  });

  it('keeps several cookies apart, and a reason of its own', async () => {
    const file = place();
    const cookies = ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'];
    await recording(file, [{ status: 201, statusText: 'Made', headers: { 'set-cookie': cookies } }]).get('/x');
    const { headers, statusText } = await replaying(file).get('/x');
    expect(headers['set-cookie']).toEqual(['a=***; Path=/', 'b=***; Expires=Wed, 21 Oct 2026 07:28:00 GMT']);
    expect(statusText).toBe('Made');
  });

  it('has the usual reason where the upstream gave that', async () => {
    const upstream = await startHttp((_, response) => response.writeHead(204).end());
    const file = place();
    const real = await over(file, { mode: 'record' }, { baseURL: upstream.origin }).get('/x');
    expect(exchangesIn(file)[0]?.response).toEqual({ status: 204, headers: {} });
    const replayed = await replaying(file).get('/x');
    expect([replayed.statusText, replayed.data]).toEqual([real.statusText, real.data]);
  });

  it('that is too long fails the call with what to do, and is not recorded', async () => {
    const file = place();
    const recorded = recording(file, [{ data: 'x'.repeat(11) }, { data: 'x'.repeat(10) }], { maxBodyBytes: 10 });
    const error = await rejection(recorded.get('/long'));
    expect(error.message).toMatch(/longer than 10 bytes .* maxBodyBytes/);
    expect(recorded.stats().attempts).toBe(1);
    await recorded.get('/short');
    expect(exchangesIn(file).map(({ request }) => request.url)).toEqual(['http://api.test/short']);
  });
});

describe('a stream', () => {
  it('is handed on as it comes, and recorded once it is over', async () => {
    let more: (() => void) | undefined;
    const upstream = await startHttp((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      more = () => response.end('data: 2\n\n');
    });
    const file = place();
    const recorded = over(file, { mode: 'record' }, { baseURL: upstream.origin });
    const { data } = await recorded.get('/events', { responseType: 'stream' });
    const chunks: string[] = [];
    for await (const chunk of data) {
      chunks.push(String(chunk));
      more?.();
    }
    expect(chunks).toEqual(['data: 1\n\n', 'data: 2\n\n']);
    const replayed = await replaying(file).get('/events', { responseType: 'stream' });
    expect(await text(replayed.data)).toBe('data: 1\n\ndata: 2\n\n');
  });

  it('that broke off breaks off there again', async () => {
    const upstream = await startHttp((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('0123', () => response.destroy());
    });
    const file = place();
    const read = async (client: ReturnType<typeof replaying>) => {
      const { data } = await client.get('/x', { responseType: 'stream' });
      const chunks: string[] = [];
      const reading = async () => {
        for await (const chunk of data) chunks.push(String(chunk));
      };
      const { code } = await rejection(reading());
      return [chunks.join(''), code];
    };
    const real = await read(over(file, { mode: 'record' }, { baseURL: upstream.origin }));
    expect(real).toEqual(['0123', 'ECONNRESET']);
    expect(await read(replaying(file))).toEqual(real);
  });

  it('that nobody reads to its end is recorded as far as it was read', async () => {
    const upstream = await startHttp((_, response) => void response.writeHead(200).write('0123'));
    const file = place();
    const recorded = over(file, { mode: 'record' }, { baseURL: upstream.origin });
    const { data } = await recorded.get('/x', { responseType: 'stream' });
    for await (const chunk of data) {
      expect(String(chunk)).toBe('0123');
      break;
    }
    await closing(upstream.connections[0]);
    await until(() => existsSync(file));
    expect((await replaying(file).get('/x')).data).toBe('0123');
  });

  it('that gets too long breaks off with what to do', async () => {
    const recorded = recording(place(), [{ data: 'x'.repeat(11) }], { maxBodyBytes: 10 });
    const { data } = await recorded.get('/x', { responseType: 'stream' });
    expect((await rejection(text(data))).message).toContain('maxBodyBytes');
  });
});
