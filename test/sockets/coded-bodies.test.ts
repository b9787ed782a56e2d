/** Bodies with content codings: whole, empty, cut and wrong, read in every way or not at all. */
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { pause, rejection, watch } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

const plain = 'a body that is long enough to be cut in the middle, '.repeat(2000);

const encoders: Record<string, (body: string | Buffer) => Buffer> = {
  gzip: zlib.gzipSync,
  'x-gzip': zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
  ...('zstdCompressSync' in zlib && { zstd: zlib.zstdCompressSync as (body: string | Buffer) => Buffer }),
};

const lanes: [string, object][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { family: 4 }],
];

/** `/<status>/<coding>/<kind>`: the server answers with that status, coding, and kind of body. */
function server() {
  return startHttp((request, response) => {
    const [, status, coding = '', kind] = (request.url ?? '').split('/');
    const whole = encoders[coding]?.(plain) ?? Buffer.from(plain);
    const bodies: Record<string, Buffer> = {
      whole,
      empty: Buffer.alloc(0),
      cut: whole.subarray(0, Math.floor(whole.length / 2)),
      'cut-early': whole.subarray(0, 3),
      wrong: Buffer.from('this was never encoded'),
      trailing: Buffer.concat([whole, Buffer.from('something after it')]),
    };
    response.writeHead(Number(status), { 'content-encoding': coding }).end(bodies[kind ?? '']);
  });
}

describe('a coded body', () => {
  it('ends no process, whatever its status, coding and content, and however it is read', {
    timeout: 40_000,
  }, async () => {
    const { origin } = await server();
    const codings = Object.keys(encoders).concat('gzip, br');
    const ended = await runChild(
      `
      import { createHttpClient } from 'pillion';
      const client = createHttpClient({ baseURL: ${JSON.stringify(origin)}, retry: false, circuitBreaker: false });
      const settled = (promise) => promise.then(() => {}, () => {});
      const ways = [
        (url, lane) => settled(client.get(url, lane)),
        (url, lane) => settled(client.get(url, { ...lane, responseType: 'arraybuffer', validateStatus: null })),
        (url, lane) => settled(client.get(url, { ...lane, responseType: 'stream' }).then(async ({ data }) => { for await (const _ of data); })),
        (url, lane) => settled(client.get(url, { ...lane, responseType: 'stream', validateStatus: null }).then(({ data }) => { data.resume(); })),
        (url, lane) => settled(client.get(url, { ...lane, responseType: 'stream', validateStatus: null })),
        (url, lane) => settled(client.get(url, { ...lane, responseType: 'stream', validateStatus: null }).then(({ data }) => data.destroy())),
        (url, lane) => settled(client.head(url, { ...lane, responseType: 'stream', validateStatus: null })),
        (url) => settled(client.fetch(url).then((response) => response.text())),
        (url) => settled(client.fetch(url)),
        (url) => settled(client.fetch(url).then((response) => response.body?.cancel())),
      ];
      const calls = [];
      for (const status of [200, 205, 304, 404])
        for (const coding of ${JSON.stringify(codings)})
          for (const kind of ['whole', 'empty', 'cut', 'cut-early', 'wrong', 'trailing'])
            for (const way of ways) for (const lane of [{}, { family: 4 }]) calls.push([way, '/' + [status, coding, kind].join('/'), lane]);
      for (let at = 0; at < calls.length; at += 20)
        await Promise.all(calls.slice(at, at + 20).map(([way, url, lane]) => way(url, lane)));
      await pause(50);
      report({ calls: calls.length });
      await client.close({ grace: 0 });
      `,
      [],
      38_000,
    );
    expect(ended).toMatchObject({ code: 0, stderr: '', reports: [{ calls: expect.any(Number) }] });
  });

  describe.each(lanes)('on %s', (_, lane) => {
    it.each(Object.keys(encoders))('is decoded: %s', async (coding) => {
      const { origin } = await server();
      const { client } = watch({ baseURL: origin });
      const { data } = await client.get(`/200/${coding}/whole`, lane);
      expect(data).toBe(plain);
      const { data: stream } = await client.get<Readable>(`/200/${coding}/whole`, { ...lane, responseType: 'stream' });
      expect(await text(stream)).toBe(plain);
    });

    it.each(Object.keys(encoders))('that is empty is an empty body: %s', async (coding) => {
      const { origin } = await server();
      const { client } = watch({ baseURL: origin });
      expect((await client.get(`/200/${coding}/empty`, lane)).data).toBe('');
      const { data } = await client.get<Readable>(`/200/${coding}/empty`, { ...lane, responseType: 'stream' });
      expect(await buffer(data)).toHaveLength(0);
    });

    it.each([204, 205, 304])('is not looked for where there is no content: %i', async (status) => {
      const { origin } = await server();
      const { client } = watch({ baseURL: origin });
      const options = { ...lane, responseType: 'stream', validateStatus: null } as const;
      const { data } = await client.get<Readable>(`/${status}/gzip/empty`, options);
      expect(await buffer(data)).toHaveLength(0);
      expect((await client.head<Readable>('/200/gzip/whole', { ...lane })).data).toBe('');
    });
  });

  it.each(Object.keys(encoders))(
    'that breaks off is an error of its stream, of the call, and of fetch: %s',
    async (coding) => {
      const { origin } = await server();
      const { client } = watch({ baseURL: origin, retry: false });
      for (const kind of ['cut', 'wrong']) {
        const url = `/200/${coding}/${kind}`;
        expect(await rejection(client.get(url))).toMatchObject({
          isAxiosError: true,
          code: expect.stringMatching(/^Z|^ERR/),
        });
        const { data } = await client.get<Readable>(url, { responseType: 'stream' });
        expect(await rejection(text(data))).toMatchObject({
          isAxiosError: true,
          code: expect.stringMatching(/^Z|^ERR/),
        });
        const response = await client.fetch(url);
        expect(await rejection(response.text())).toBeInstanceOf(TypeError);
      }
    },
  );

  it('that nobody reads tells of its error whoever comes later', async () => {
    const { origin } = await server();
    const { client } = watch({ baseURL: origin });
    const { data } = await client.get<Readable>('/200/gzip/wrong', { responseType: 'stream' });
    await pause(50);
    const told = await new Promise<Error>((resolve) => data.once('error', resolve));
    expect(told.message).toContain('header');
  });

  it('is decoded in reverse order where there are several codings, on every way of reading', async () => {
    const body = encoders.br?.(encoders.gzip?.(encoders.deflate?.(plain) ?? '') ?? '') ?? '';
    const { origin } = await startHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': 'deflate, GZIP,identity, br' }).end(body);
    });
    const { client } = watch({ baseURL: origin });
    const { data, headers } = await client.get('/');
    expect(data).toBe(plain);
    expect(headers['content-encoding']).toBeUndefined();
    expect(await text((await client.get<Readable>('/', { responseType: 'stream' })).data)).toBe(plain);
    expect(await (await client.fetch('/')).text()).toBe(plain);
  });

  it('is handed out as it came where a coding is not known, as by axios and by fetch', async () => {
    const { origin } = await startHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip, rot13' }).end('uryyb');
    });
    const { client } = watch({ baseURL: origin });
    const { data, headers } = await client.get('/');
    expect([data, headers['content-encoding']]).toEqual(['uryyb', 'gzip, rot13']);
    const response = await client.fetch('/');
    expect([await response.text(), response.headers.get('content-encoding')]).toEqual(['uryyb', 'gzip, rot13']);
    const native = await fetch(origin);
    expect(await native.text()).toBe('uryyb');
  });

  it('of more than five codings is refused', async () => {
    const { origin } = await startHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': Array(6).fill('gzip').join(', ') }).end('x');
    });
    const { client } = watch({ baseURL: origin });
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_BAD_RESPONSE' });
    expect(await rejection(client.fetch('/'))).toMatchObject({ cause: { code: 'ERR_BAD_RESPONSE' } });
  });

  it('is bounded by its decoded size, through every coding', async () => {
    const bomb = zlib.gzipSync(zlib.gzipSync(Buffer.alloc(8 * 1024 * 1024)));
    const { origin } = await startHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(bomb);
    });
    const { client } = watch({ baseURL: origin });
    const options = { maxContentLength: 100_000 };
    expect(await rejection(client.get('/', options))).toMatchObject({
      message: expect.stringContaining('maxContentLength'),
    });
    const { data } = await client.get<Readable>('/', { ...options, responseType: 'stream' });
    expect(await rejection(buffer(data))).toMatchObject({ message: expect.stringContaining('maxContentLength') });
  });
});
