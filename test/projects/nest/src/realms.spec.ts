/** jest runs tests in a realm of its own: Node's errors, promises and buffers are not of the classes that tests see. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { createHttpClient, type HttpClient, loadHttpClients } from 'pillion';
import { assertRequested, createTestClient } from 'pillion/testing';

let server: Server;
let baseURL: string;
let client: HttpClient;
let bare: AxiosInstance;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    if (request.url === '/lost') return void request.socket.destroy();
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { 'content-type': type, 'content-length': length } = request.headers;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ type, length, body: Buffer.concat(chunks).toString('latin1') }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createHttpClient({ name: 'realms', baseURL, logging: false, retry: false });
  bare = axios.create({ baseURL });
});
afterAll(async () => {
  await client.close();
  server.close();
});

const lanes: [string, AxiosRequestConfig][] = [
  ['the fast lane', {}],
  ['axios’s adapter', { family: 4 }],
];

const bytes = () => new Uint8Array([65, 66, 67, 68]);
const bodies: [string, () => unknown][] = [
  ['text', () => 'text'],
  ['an object', () => ({ at: new Date(0), list: [1] })],
  ['an object of Node', () => structuredClone({ a: [{ b: 1 }] })],
  ['a Buffer', () => Buffer.from('buffer')],
  ['a Uint8Array', bytes],
  ['a Uint16Array', () => new Uint16Array([65, 66])],
  ['a Float64Array', () => new Float64Array([1])],
  ['a DataView', () => new DataView(bytes().buffer, 1)],
  ['an ArrayBuffer', () => bytes().buffer],
  ['an ArrayBuffer of this realm', () => new Uint16Array([65]).buffer],
  ['URLSearchParams', () => new URLSearchParams({ a: '1' })],
  ['a Blob', () => new Blob(['blob'], { type: 'text/x' })],
  ['a File', () => new File(['file'], 'a.txt')],
  ['a stream', () => Readable.from(['a', 'b'])],
];

describe.each(lanes)('by %s', (_, lane) => {
  it.each(bodies)('sends what axios sends: %s', async (_, body) => {
    const [ours, theirs] = [await client.post('/', body(), lane), await bare.post('/', body(), lane)];
    expect(ours.data).toEqual(theirs.data);
  });

  it('sends a form, a web stream and a generator', async () => {
    const form = new FormData();
    form.set('a', new Blob(['in the form']), 'a.txt');
    async function* generator() {
      yield 'gen';
      yield bytes();
    }
    const sent = async (body: unknown) => (await client.post('/', body, lane)).data.body;
    expect(await sent(form)).toContain('in the form');
    expect(await sent(new Blob(['web']).stream())).toBe('web');
    expect(await sent(generator())).toBe('genABCD');
  });

  it.each(['json', 'text', 'arraybuffer', 'stream', undefined] as const)(
    'answers as axios does: %s',
    async (responseType) => {
      const kinds = async (instance: AxiosInstance) => {
        const { data } = await instance.get('/', { ...lane, responseType });
        if (responseType === 'stream') for await (const _ of data) void _;
        return [typeof data, Buffer.isBuffer(data), data instanceof Uint8Array, data instanceof Readable];
      };
      expect(await kinds(client)).toEqual(await kinds(bare));
    },
  );

  it.each<[string, () => Promise<unknown>, object]>([
    ['a lost connection', () => client.get('/lost', lane), { code: 'ECONNRESET' }],
    ['a refused connection', () => client.get('/', { ...lane, socketPath: '/nowhere' }), { code: 'ENOENT' }],
    [
      'a header name that is none',
      () => client.get('/', { ...lane, headers: { 'a b': 'c' } }),
      { code: 'ERR_BAD_REQUEST' },
    ],
    [
      'an error of Node in a body',
      async () =>
        client.post(
          '/',
          (async function* () {
            yield await readFile('/nowhere');
          })(),
          lane,
        ),
      { code: 'ENOENT' },
    ],
    [
      'an error of Node in the caller’s code',
      () => client.get('/', { ...lane, transformResponse: () => readFileSync('/nowhere') }),
      { code: 'ENOENT', message: expect.stringContaining('/nowhere') },
    ],
    ['an abort', () => client.get('/', { ...lane, signal: AbortSignal.abort() }), { code: 'ERR_CANCELED' }],
  ])('fails as outside of jest: %s', async (_, call, expected) => {
    const error = await call().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(axios.AxiosError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject(expected);
  });
});

it('fetches as fetch does', async () => {
  for (const [, body] of bodies) {
    const init = () => ({ method: 'POST', body: body() as BodyInit, duplex: 'half' as const });
    const [ours, theirs] = [await client.fetch(baseURL, init()), await fetch(baseURL, init())];
    expect(ours).toBeInstanceOf(Response);
    const { body: sent } = (await ours.json()) as { body: string };
    expect(sent).toBe(((await theirs.json()) as { body: string }).body);
  }
});

it('passes an error of Node on from a transport of the user', async () => {
  const own = createHttpClient(
    { name: 'own', baseURL, logging: false },
    { transport: async () => readFileSync('/nowhere') as never },
  );
  await expect(own.get('/')).rejects.toMatchObject({ code: 'ENOENT' });
});

it('takes a configuration from a promise of Node, and data of Node in a pattern', async () => {
  const load = () => readFile(__filename).then(() => structuredClone({ clients: { a: { baseURL } } }));
  const log = () => {};
  const silent = { debug: log, info: log, warn: log, error: log };
  const clients = await loadHttpClients({ name: 'a promise', load }, { logger: silent });
  expect(clients.names).toEqual(['a']);
  await clients.close();
  const test = createTestClient([200]);
  await test.post('/', { a: { b: [1] } });
  assertRequested(test, { body: structuredClone({ a: { b: [1] } }) });
});
