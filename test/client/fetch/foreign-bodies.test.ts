/** client.fetch over a wire of somebody else's: whatever an axios adapter may answer with is delivered as what it is. */
import { PassThrough, Readable } from 'node:stream';
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { createHttpClient } from 'pillion';
import * as undici from 'undici';
import * as undici6 from 'undici-6';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection, until } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

function answering(data: unknown, status = 200) {
  const client = createHttpClient(
    { baseURL: 'http://upstream.test', logging: false },
    {
      transport: async (config: InternalAxiosRequestConfig) => ({
        data,
        status,
        statusText: 'OK',
        headers: new AxiosHeaders({ 'content-type': 'text/plain' }),
        config,
      }),
    },
  );
  onTestFinished(() => client.close({ grace: 0 }));
  return client;
}

const webStream = (...pieces: (string | Uint8Array)[]) =>
  new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece);
    },
  });

const bodies: Record<string, () => unknown> = {
  'a web stream': () => webStream('hello ', new Uint8Array(), 'wörld'),
  'a Node stream': () => Readable.from([Buffer.from('hello '), Buffer.from('wörld')]),
  'a Node stream of text': () => Readable.from(['hello ', '', 'wörld']),
  'a PassThrough': () => {
    const stream = new PassThrough();
    stream.write('hello ');
    stream.end('wörld');
    return stream;
  },
  'a Buffer': () => Buffer.from('hello wörld'),
  'a Uint8Array': () => new TextEncoder().encode('hello wörld'),
  'an ArrayBuffer': () => new TextEncoder().encode('hello wörld').buffer,
  'a Blob': () => new Blob(['hello wörld']),
  text: () => 'hello wörld',
};

describe('a wire that answers', () => {
  it.each(Object.entries(bodies))('with %s is read as that', async (_, data) => {
    const client = answering(data());
    expect(await (await client.fetch('/')).text()).toBe('hello wörld');
  });

  it('with an object is read as its JSON', async () => {
    expect(await (await answering({ a: [1] }).fetch('/')).json()).toEqual({ a: [1] });
  });

  it.each([null, undefined])('with %s has no body', async (data) => {
    const response = await answering(data).fetch('/');
    expect(response.body).toBeNull();
    expect(await response.text()).toBe('');
  });

  it('with a web stream for a status without content lets go of it', async () => {
    let cancelled = false;
    const stream = new ReadableStream({
      cancel() {
        cancelled = true;
      },
    });
    expect((await answering(stream, 204).fetch('/')).body).toBeNull();
    await until(() => cancelled);
  });

  it('with a web stream that fails tells the reader', async () => {
    const stream = new ReadableStream({
      pull(controller) {
        controller.error(new Error('the wire broke'));
      },
    });
    const response = await answering(stream).fetch('/');
    expect(await rejection(response.text())).toMatchObject({ name: 'TypeError', cause: { message: 'the wire broke' } });
  });

  it('with a web stream that is given up is cancelled', async () => {
    let cancelled = false;
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(10));
      },
      cancel() {
        cancelled = true;
      },
    });
    const response = await answering(stream).fetch('/');
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await until(() => cancelled);
  });
});

describe("axios's fetch adapter as the wire", () => {
  it('delivers bodies, lets retries go, and ends with its signal', async () => {
    let count = 0;
    const { origin } = await startHttp((_, response) => {
      response.writeHead(count++ === 0 ? 503 : 200).end('hello');
    });
    const client = createHttpClient(
      { baseURL: origin, logging: false, retry: { backoff: { base: 1, max: 1 } } },
      { transport: axios.getAdapter('fetch') },
    );
    onTestFinished(() => client.close({ grace: 0 }));
    expect(await (await client.fetch('/')).text()).toBe('hello');
    expect(count).toBe(2);
    const controller = new AbortController();
    const response = await client.fetch('/', { signal: controller.signal });
    controller.abort();
    expect(await rejection(response.text())).toMatchObject({ name: 'AbortError' });
  });
});

describe('a request body of another copy of undici, or of a package', () => {
  const forms: [string, () => unknown, RegExp][] = [
    ['a form', () => filled(new undici.FormData()), /name="a"[\s\S]*1[\s\S]*filename="f.txt"[\s\S]*content/],
    [
      'a form of undici 6',
      () => filled(new undici6.FormData()),
      /name="a"[\s\S]*1[\s\S]*filename="f.txt"[\s\S]*content/,
    ],
    [
      'a blob',
      () => ({ [Symbol.toStringTag]: 'Blob', type: 'text/x', stream: () => new Blob(['blob']).stream() }),
      /^blob$/,
    ],
    ['search parameters', () => ({ [Symbol.toStringTag]: 'URLSearchParams', toString: () => 'a=1' }), /^a=1$/],
  ];
  it.each(forms)('is sent as what it is: %s', async (_, body, expected) => {
    const { origin, requests } = await startHttp((_, response) => response.end());
    const client = createHttpClient({ baseURL: origin, logging: false });
    onTestFinished(() => client.close({ grace: 0 }));
    await client.fetch('/', { method: 'POST', body: body() as never });
    expect(requests[0]?.body).toMatch(expected);
  });

  it('is refused with its signal where that is none', async () => {
    await expect(answering('').fetch('/', { signal: {} as never })).rejects.toThrow('signal must be an AbortSignal');
  });
});

function filled(form: { append(name: string, value: unknown, file?: string): void }): unknown {
  form.append('a', '1');
  form.append('f', new Blob(['content']), 'f.txt');
  return form;
}

it('a transfer-encoding header, which an SDK of AWS sets for streams, does not stand beside a length', async () => {
  const upstream = await startHttp((_, response) => response.end());
  const client = createHttpClient({ baseURL: upstream.origin, logging: false });
  onTestFinished(() => client.close({ grace: 0 }));
  const headers = { 'transfer-encoding': 'chunked' };
  const asked = { method: 'PUT', headers, duplex: 'half' } as const;
  await client.fetch(new Request(upstream.origin, { ...asked, body: webStream('hello') }));
  await client.fetch(upstream.origin, { ...asked, body: webStream('hello') });
  await client.fetch(upstream.origin, { ...asked, body: 'hello' });
  expect(
    upstream.requests.map(({ body, headers: sent }) => [body, sent['content-length'], sent['transfer-encoding']]),
  ).toEqual([
    ['hello', '5', undefined],
    ['hello', undefined, 'chunked'],
    ['hello', '5', undefined],
  ]);
});
