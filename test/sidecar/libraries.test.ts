/** Calls of other HTTP clients, as their users write them, through each of the ways in. */
import { execFile, spawnSync } from 'node:child_process';
import http, { type IncomingHttpHeaders } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { HttpService } from '@nestjs/axios';
import { Octokit } from '@octokit/core';
import axios from 'axios';
import got from 'got';
import ky from 'ky';
import OpenAI from 'openai';
import createOpenapi from 'openapi-fetch';
import { createHttpClient, type HttpClientConfig } from 'pillion';
import { createDispatcher, installFetch, type SidecarOptions, serveSidecar } from 'pillion/sidecar';
import { firstValueFrom } from 'rxjs';
import Stripe from 'stripe';
import * as undici from 'undici';
import * as undici5 from 'undici-5';
import * as undici6 from 'undici-6';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer } from '../support/behaviours.js';
import { authority } from '../support/certificates.js';
import { collecting, until } from '../support/client.js';
import { type Behaviour, startHttp } from '../support/upstream.js';

interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly body?: Readable;
  readonly signal?: AbortSignal;
}

interface Answered {
  readonly status: number;
  readonly code: unknown;
  readonly body: string;
}

type Send = (base: string, asked?: Asked) => Promise<Answered>;

const codeOf = (headers: IncomingHttpHeaders | object) => (headers as IncomingHttpHeaders)['x-pillion-error'];

/** Each is told its base URL, and does not retry by itself. */
const libraries: readonly { readonly name: string; readonly send: Send }[] = [
  {
    name: 'axios',
    send: async (baseURL, { method, body, signal } = {}) => {
      const instance = axios.create({ baseURL, validateStatus: null, responseType: 'text' });
      const { status, headers, data } = await instance.request({ url: '/a', method, data: body, signal } as object);
      return { status, code: codeOf(headers), body: data };
    },
  },
  {
    name: '@nestjs/axios',
    send: async (baseURL, { method, body, signal } = {}) => {
      const service = new HttpService(axios.create({ baseURL, validateStatus: null, responseType: 'text' }));
      const asked = { url: '/a', method, data: body, signal } as object;
      const { status, headers, data } = await firstValueFrom(service.request(asked));
      return { status, code: codeOf(headers), body: data };
    },
  },
  {
    name: 'got',
    send: async (prefixUrl, asked = {}) => {
      const options = { prefixUrl, ...asked, retry: { limit: 0 }, throwHttpErrors: false };
      const { statusCode: status, headers, body } = await got('a', options);
      return { status, code: codeOf(headers), body };
    },
  },
  {
    name: 'ky',
    send: (prefixUrl, asked) => fetched(ky('a', { prefixUrl, retry: 0, throwHttpErrors: false, ...web(asked) })),
  },
  { name: 'fetch', send: (base, asked) => fetched(fetch(`${base}/a`, web(asked))) },
  ...[undici, undici6, undici5].map(({ request }, index) => ({
    name: `undici ${7 - index}`,
    send: async (base: string, asked: Asked = {}) => {
      const {
        statusCode: status,
        headers,
        body,
      } = await (request as typeof undici.request)(`${base}/a`, asked as never);
      return { status, code: codeOf(headers), body: await body.text() };
    },
  })),
  {
    name: 'node:http',
    send: (base, { method, body, signal } = {}) =>
      new Promise((resolve, reject) => {
        const request = http.request(`${base}/a`, { method, signal } as http.RequestOptions, async (response) => {
          const { statusCode: status = 0, headers } = response;
          resolve({ status, code: codeOf(headers), body: await text(response) });
        });
        request.once('error', reject);
        if (body === undefined) request.end();
        else body.pipe(request);
      }),
  },
];

async function fetched(answered: Promise<Response>): Promise<Answered> {
  const { status, headers, ...rest } = await answered.then(async (response) => ({
    status: response.status,
    headers: response.headers,
    body: await response.text(),
  }));
  return { status, code: headers.get('x-pillion-error') ?? undefined, ...rest };
}

function web({ body, ...asked }: Asked = {}): RequestInit {
  return { ...asked, ...(body && { body: Readable.toWeb(body) as never, duplex: 'half' }) } as RequestInit;
}

const retried: HttpClientConfig = { retry: { backoff: { base: 1 } } };

interface Given extends HttpClientConfig {
  /** In place of the address of the upstream, to which calls go anyway. */
  readonly origin?: string;
  readonly options?: SidecarOptions;
}

/** A client behind a listener, to an upstream that does what it is told. */
async function world(behaviours: Behaviour[], { origin, options = {}, ...config }: Given = {}) {
  const upstream = await startHttp(...behaviours);
  const { logger, lines } = collecting();
  const where =
    origin === undefined
      ? { baseURL: upstream.origin }
      : { baseURL: origin, endpoints: { static: [{ address: `127.0.0.1:${upstream.port}` }] } };
  const client = createHttpClient({ name: 'billing', ...retried, ...where, ...config }, { logger, random: () => 0 });
  const one = await serveSidecar(client, options);
  const set = await serveSidecar([client], options);
  onTestFinished(async () => {
    await Promise.all([one.close({ grace: 0 }), set.close({ grace: 0 })]);
    await client.close({ grace: 0 });
  });
  const calls = () => lines.filter(({ level }) => level !== 'debug');
  return { upstream, client, calls, url: one.url, proxy: set.url, port: Number(new URL(set.url).port) };
}

/** Sends the body back as it comes. */
async function startEcho(): Promise<string> {
  const server = http.createServer((request, response) => request.pipe(response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type World = Awaited<ReturnType<typeof world>>;

/** Puts a way in place, and returns the base URL that the calls keep. */
type Way = (world: World) => string;

const listener: Way = ({ url }) => url;

const replacedFetch: Way = ({ client }) => {
  onTestFinished(installFetch(client));
  return client.defaults.baseURL as string;
};

const replacedDispatcher: Way = ({ client }) => {
  const before = undici.getGlobalDispatcher();
  undici.setGlobalDispatcher(createDispatcher(client));
  onTestFinished(() => undici.setGlobalDispatcher(before));
  return client.defaults.baseURL as string;
};

const named = (...names: string[]) => libraries.filter(({ name }) => names.includes(name));

describe.each([
  ...libraries.map((library) => ({ ...library, by: 'the listener as its base URL', way: listener })),
  ...named('fetch', 'ky').map((library) => ({ ...library, by: 'installFetch', way: replacedFetch })),
  ...named('fetch', 'undici 7', 'undici 6').map((library) => ({
    ...library,
    by: 'createDispatcher',
    way: replacedDispatcher,
  })),
])('$name through $by', ({ send, way }) => {
  it('gets the answer after a 503, and the call has one line', async () => {
    const served = await world([answer(503), answer(200, 'well')]);
    expect(await send(way(served))).toEqual({ status: 200, code: undefined, body: 'well' });
    expect(served.upstream.requests.map(({ path }) => path)).toEqual(['/a', '/a']);
    expect(served.calls()).toHaveLength(1);
  });

  it('is told that the circuit is open, by a 503 or by the code of the error', async () => {
    const served = await world([answer()]);
    served.client.forceCircuit('open');
    const told = await send(way(served)).catch((error: unknown) => ({ status: 503, code: codeIn(error) }));
    expect(told).toMatchObject({ status: 503, code: 'ERR_CIRCUIT_OPEN' });
    expect(served.upstream.requests).toEqual([]);
  });

  it('sends and gets 3 MiB as a stream', async () => {
    const served = await world([], { baseURL: await startEcho() });
    const body = Readable.from(
      Array.from({ length: 48 }, () => Buffer.alloc(65_536, 'x')),
      { objectMode: false },
    );
    const echoed = await send(way(served), { method: 'POST', body });
    expect(echoed.body).toHaveLength(48 * 65_536);
  });

  it('takes the call back at the upstream when it is aborted', async () => {
    let gone = false;
    const forever: Behaviour = (_, response) => {
      response.once('close', () => {
        gone = true;
      });
    };
    const served = await world([forever]);
    const abort = new AbortController();
    const sent = send(way(served), { signal: abort.signal });
    await Promise.all([
      expect(sent).rejects.toThrow(),
      until(() => served.upstream.requests.length === 1).then(() => abort.abort()),
    ]);
    await until(() => gone);
    await served.client.close();
    expect(served.upstream.requests).toHaveLength(1);
  });
});

function codeIn(error: unknown): unknown {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return cause === undefined ? code : (codeIn(cause) ?? code);
}

const json = (body: unknown) => answer(200, JSON.stringify(body), { 'content-type': 'application/json' });

describe('an SDK', () => {
  /** A list, and an answer that streams. */
  const ai: Behaviour = (request, response) => {
    if (request.method === 'GET') return json({ object: 'list', data: [{ id: 'small' }] })(request, response);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"choices":[{"delta":{"content":"first"}}]}\n\n');
    response.once('told', () => response.end('data: {"choices":[{"delta":{"content":" last"}}]}\n\ndata: [DONE]\n\n'));
    streams.push(response);
  };
  const streams: http.ServerResponse[] = [];

  it.each<[string, Way, object?]>([
    ['baseURL', listener],
    ['installFetch', replacedFetch],
    ['setGlobalDispatcher', replacedDispatcher],
  ])('OpenAI streams through %s, piece by piece', async (_, way) => {
    const served = await world([answer(503), ai]);
    const sdk = new OpenAI({ apiKey: 'key', baseURL: `${way(served)}/v1`, maxRetries: 0 });
    expect((await sdk.models.list()).data).toEqual([{ id: 'small' }]);
    const chunks = await sdk.chat.completions.create({ model: 'small', messages: [], stream: true });
    let said = '';
    for await (const { choices } of chunks) {
      said += choices[0]?.delta.content;
      // The rest is sent only now that the first piece has come.
      streams.pop()?.emit('told');
    }
    expect(said).toBe('first last');
    served.client.forceCircuit('open');
    const refused: unknown = await sdk.models.list().catch((error: unknown) => error);
    if (way === listener) expect(refused).toMatchObject({ status: 503 });
    else expect(codeIn(refused)).toBe('ERR_CIRCUIT_OPEN');
  });

  it('Stripe through host, port and protocol has its POST sent again, with the same key', async () => {
    const { upstream, url } = await world([answer(503), json({ id: 'cus_1' })]);
    const { hostname: host, port } = new URL(url);
    const stripe = new Stripe('sk_test_1', { host, port, protocol: 'http', maxNetworkRetries: 0 });
    expect(await stripe.customers.create({ name: 'a' }, { idempotencyKey: 'once' })).toMatchObject({ id: 'cus_1' });
    expect(upstream.requests.map(({ headers, body }) => [headers['idempotency-key'], body])).toEqual([
      ['once', 'name=a'],
      ['once', 'name=a'],
    ]);
  });

  it('Octokit and openapi-fetch through baseUrl get the answer after a 503, and a 503 while the circuit is open', async () => {
    const { url, client } = await world([answer(503), json({ login: 'me' })]);
    const octokit = new Octokit({ baseUrl: url });
    expect((await octokit.request('GET /user')).data).toMatchObject({ login: 'me' });
    const openapi = createOpenapi<{
      '/user': { get: { responses: { 200: { content: { 'application/json': object } } } } };
    }>({
      baseUrl: url,
    });
    expect((await openapi.GET('/user')).data).toEqual({ login: 'me' });
    client.forceCircuit('open');
    await expect(octokit.request('GET /user')).rejects.toMatchObject({ status: 503 });
  });
});

describe('a client that is told a proxy', () => {
  const proxied: [string, (proxy: URL, url: string) => Promise<{ readonly status: number; readonly body: string }>][] =
    [
      [
        'axios',
        async ({ hostname: host, port }, url) => {
          const { status, data: body } = await axios.get(url, {
            proxy: { host, port: Number(port), protocol: 'http' },
          });
          return { status, body };
        },
      ],
      // These ask for a tunnel.
      ...[undici, undici6, undici5].map((version, index): (typeof proxied)[number] => [
        `undici ${7 - index}`,
        async ({ href }, url) => {
          const dispatcher = new (version as typeof undici).ProxyAgent(href);
          const { statusCode: status, body } = await (version as typeof undici).request(url, { dispatcher });
          onTestFinished(() => dispatcher.close());
          return { status, body: await body.text() };
        },
      ]),
    ];

  it.each(proxied)('%s, reaches the client whose baseURL covers the URL', async (_, send) => {
    const { upstream, proxy } = await world([answer(503), answer(200, 'well')]);
    expect(await send(new URL(proxy), `${upstream.origin}/a`)).toEqual({ status: 200, body: 'well' });
    expect(upstream.requests.map(({ path }) => path)).toEqual(['/a', '/a']);
  });

  /** What comes back for each text in turn, on one connection. */
  async function talk(port: number, ...said: string[]): Promise<string[]> {
    const socket = net.connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    const heard: string[] = [];
    for (const each of said) {
      socket.write(each, 'latin1');
      heard.push(await new Promise((resolve) => socket.once('data', (bytes) => resolve(bytes.toString('latin1')))));
    }
    return heard;
  }

  it('has a tunnel to one host: the host of a request in it changes nothing', async () => {
    const { port, upstream, url } = await world([answer(200, 'well')]);
    const { host } = new URL(upstream.origin);
    const request = 'GET /a HTTP/1.1\r\nHost: elsewhere\r\n\r\n';
    const [opened, first, second] = await talk(
      port,
      `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      request,
      request,
    );
    expect(opened).toBe('HTTP/1.1 200 Connection established\r\n\r\n');
    expect([first, second]).toEqual([
      expect.stringMatching(/^HTTP\/1.1 200 /),
      expect.stringMatching(/^HTTP\/1.1 200 /),
    ]);
    const [both] = await talk(port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n${request}`);
    expect(both).toMatch(/^HTTP\/1.1 200 Connection established\r\n\r\n/);
    await until(() => upstream.requests.length === 3);
    // The listener of one client serves every path of its own, but is no way to others.
    const strange = 'CONNECT elsewhere:80 HTTP/1.1\r\nHost: elsewhere:80\r\n\r\n';
    const [, refused] = await talk(Number(new URL(url).port), strange, request);
    expect(refused).toMatch(/^HTTP\/1.1 404 [\s\S]*x-pillion-error: ERR_UNKNOWN_HOST/);
    expect(upstream.requests).toHaveLength(3);
  });

  it('is asked for the token once for a tunnel', async () => {
    const token = 'a-secret-of-20-chars';
    const { port, upstream } = await world([answer()], { options: { token } });
    const { host } = new URL(upstream.origin);
    const open = (proxy = '') => `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n${proxy}\r\n`;
    const [refused] = await talk(port, open());
    expect(refused).toMatch(/^HTTP\/1.1 407 /);
    const request = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';
    const [opened, answered] = await talk(port, open(`Proxy-Authorization: Bearer ${token}\r\n`), request);
    expect([opened, answered]).toEqual([
      expect.stringMatching(/^HTTP\/1.1 200 C/),
      expect.stringMatching(/^HTTP\/1.1 200 /),
    ]);
  });

  it('undici, has a tunnel over mutual TLS too', async () => {
    const ca = await authority('test');
    const own = await ca.issue({ name: 'sidecar', dns: ['localhost'] });
    const { cert, key } = await ca.issue({ name: 'caller' });
    const { port, upstream } = await world([answer(200, 'well')], {
      options: { tls: { cert: own.cert, key: own.key, ca: ca.cert } },
    });
    const dispatcher = new undici.ProxyAgent({
      uri: `https://localhost:${port}`,
      proxyTls: { ca: ca.cert, cert, key },
    });
    onTestFinished(() => dispatcher.close());
    const { body } = await undici.request(`${upstream.origin}/a`, { dispatcher });
    expect(await body.text()).toBe('well');
  });

  it('and speaks TLS in its tunnel is refused, and a tunnel within a tunnel too', async () => {
    const { port, upstream } = await world([answer()]);
    const { host } = new URL(upstream.origin);
    const open = `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const [, hello] = await talk(port, open, '\x16\x03\x01\x02\x00\x01\x00\x01');
    expect(hello).toMatch(/^HTTP\/1.1 400 /);
    const [, nested] = await talk(port, open, open);
    expect(nested).toMatch(/^HTTP\/1.1 405 [\s\S]*ERR_TUNNEL/);
    expect(upstream.requests).toEqual([]);
  });

  it('does not hold up the closing with a tunnel that it does not use', async () => {
    const served = await startHttp(answer());
    const client = createHttpClient({ baseURL: served.origin });
    const sidecar = await serveSidecar(client);
    await talk(Number(new URL(sidecar.url).port), `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n`);
    await sidecar.close({ grace: '1h' });
    await client.close();
  });
});

describe('a client that keeps the address of the upstream', () => {
  const origin = 'http://storage.example.test';

  it.each<[string, (agent: http.Agent) => Promise<unknown>]>([
    ['got', (agent) => got(`${origin}/a`, { agent: { http: agent }, retry: { limit: 0 } })],
    ['axios', (httpAgent) => axios.get(`${origin}/a`, { httpAgent })],
  ])('%s, is led to the listener by its agent, and the upstream sees the host that was signed', async (_, send) => {
    const { upstream, port } = await world([answer(503), answer()], { origin });
    await send(new http.Agent({ host: '127.0.0.1', port }));
    expect(upstream.requests.map(({ headers }) => headers.host)).toEqual(Array(2).fill('storage.example.test'));
  });
});

describe('a child process', () => {
  const run = promisify(execFile);

  it('of Node is covered by its base URL', async () => {
    const { url, calls } = await world([answer(503), answer(200, 'well')]);
    const program = 'fetch(process.env.BILLING_URL).then((r) => r.text()).then(console.log)';
    const { stdout } = await run(process.execPath, ['-e', program], { env: { ...process.env, BILLING_URL: url } });
    expect(stdout).toBe('well\n');
    expect(calls()).toHaveLength(1);
  });

  it.skipIf(!isThere('curl'))('curl, is covered by its URL and by http_proxy', async () => {
    const { url, proxy, upstream } = await world([answer(503), answer(200, 'well')]);
    expect((await run('curl', ['-sf', url])).stdout).toBe('well');
    const env = { ...process.env, http_proxy: proxy, no_proxy: '' };
    expect((await run('curl', ['-sf', '-d', 'x=1', upstream.origin], { env })).stdout).toBe('well');
    expect(upstream.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
  });
});

function isThere(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}
