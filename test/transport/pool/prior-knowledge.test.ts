/** `allowH2: 'prior-knowledge'`: which servers and requests HTTP/2 without TLS meets that it cannot be spoken with. */
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { createUndiciAdapter, type HttpClientConfig } from 'pillion';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejection, until, watch } from '../../support/client.js';
import { SETTINGS, WINDOW_UPDATE } from '../../support/h2-frames.js';
import { type Answer, ca, connectionsTo, identity, overH2, schemes, startH2 } from '../../support/h2-server.js';
import { startHttps } from '../../support/upstream.js';

const ok: Answer = (stream) => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

/** A server on loopback that does `speak` with each connection, and what it has received on each. */
async function startTcp(speak: (socket: Socket) => void): Promise<{ origin: string; received: Buffer[] }> {
  const received: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = net.createServer((socket) => {
    const index = received.push(Buffer.alloc(0)) - 1;
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received[index] = Buffer.concat([received[index] as Buffer, chunk]);
    });
    speak(socket);
  });
  const end = () => {
    for (const socket of sockets) socket.destroy();
  };
  return { origin: await listening(server, end), received };
}

async function listening(server: Server, end: () => void): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, resolve));
  onTestFinished(() => {
    end();
    server.close();
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

const HEADERS = 1;

/** The types of the frames after the client's preface. */
function frameTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 24; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) types.push(bytes[at + 3] as number);
  return types;
}

const over = (origin: string, more: HttpClientConfig = {}) => watch(overH2(origin, more)).client;

describe('A server that does not speak HTTP/2', () => {
  const http11 = (socket: Socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));

  it.each([
    ['answers in HTTP/1.1', http11, 'ERR_HTTP2_UNSUPPORTED'],
    ['greets as a mail server', (socket: Socket) => void socket.write('220 ready\r\n'), 'ERR_HTTP2_UNSUPPORTED'],
    ['closes the connection', (socket: Socket) => void socket.once('data', () => socket.end()), 'ECONNRESET'],
    [
      'resets the connection',
      (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy()),
      'ECONNRESET',
    ],
  ])('that %s fails a POST, whose retries are limited and of which nothing was sent', async (_, speak, code) => {
    const { origin, received } = await startTcp(speak);
    const error = await rejection(over(origin, { retry: { maxRetries: 2 } }).post('/', { a: 1 }));
    expect(error).toMatchObject({ code, attempts: 3 });
    expect(error.response).toBeUndefined();
    expect(received.length).toBe(3);
    for (const bytes of received) expect(frameTypes(bytes)).not.toContain(HEADERS);
  });

  it('that is silent fails calls after the connect timeout, all that wait for the connection at once', async () => {
    const { origin, received } = await startTcp(() => {});
    const client = over(origin, { retry: false, timeouts: { connect: 100 } });
    const errors = await Promise.all([client.post('/', {}), client.get('/')].map(rejection));
    expect(errors.map(({ code }) => code)).toEqual(['ERR_CONNECT_TIMEOUT', 'ERR_CONNECT_TIMEOUT']);
    expect(received.map(frameTypes)).toEqual([[SETTINGS, WINDOW_UPDATE]]);
    expect(connectionsTo(client, origin)).toBeUndefined();
  });

  it('says in the error what to change', async () => {
    const { origin } = await startTcp(http11);
    const { message } = await rejection(over(origin, { retry: false }).get('/'));
    expect(message).toContain("The server does not speak HTTP/2, which allowH2: 'prior-knowledge' expects");
  });

  it('that is node:http fails in the same way, and speaks HTTP/1.1 with a client without the option', async () => {
    const server = http.createServer((_, response) => response.end('one'));
    const origin = await listening(server, () => server.closeAllConnections());
    expect((await rejection(over(origin, { retry: false }).get('/'))).code).toBe('ERR_HTTP2_UNSUPPORTED');
    expect((await watch({ baseURL: origin, allowH2: true }).client.get('/')).data).toBe('one');
  });
});

it('A call that gives up before the SETTINGS have come leaves no connection behind', async () => {
  const { origin, received } = await startTcp(() => {});
  const client = over(origin, { retry: false });
  const controller = new AbortController();
  const call = rejection(client.get('/', { signal: controller.signal }));
  await until(() => (received[0]?.length ?? 0) > 0);
  controller.abort();
  expect((await call).code).toBe('ERR_CANCELED');
  expect(connectionsTo(client, origin)).toBeUndefined();
});

it('A server that first takes no streams gets the waiting calls once it takes some', async () => {
  const frame = (type: number, flags: number, payload = Buffer.alloc(0)) =>
    Buffer.concat([Buffer.of(0, 0, payload.length, type, flags, 0, 0, 0, 0), payload]);
  const streams = (count: number) => frame(SETTINGS, 0, Buffer.of(0, 3, 0, 0, 0, count));
  let peer: Socket | undefined;
  const { origin, received } = await startTcp((socket) => {
    peer = socket;
    socket.write(streams(0));
  });
  const client = over(origin, { retry: false });
  const calls = [client.get('/'), client.get('/')].map(rejection);
  await until(() => frameTypes(received[0] ?? Buffer.alloc(0)).filter((type) => type === SETTINGS).length === 2);
  expect(frameTypes(received[0] as Buffer)).not.toContain(HEADERS);
  peer?.write(streams(2));
  await until(() => frameTypes(received[0] as Buffer).filter((type) => type === HEADERS).length === 2);
  peer?.destroy();
  expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(['ECONNRESET', 'ECONNRESET']);
});

describe('A request that needs HTTP/1.1', () => {
  it.each([
    ['proxy', { proxy: { host: 'localhost', port: 1 } }],
    ['socketPath', { socketPath: '/tmp/none.sock' }],
    ['httpAgent', { httpAgent: new http.Agent() }],
    ['transfer-encoding', { headers: { 'Transfer-Encoding': 'chunked' } }],
  ])('by its %s is refused before anything is sent', async (name, options) => {
    const { origin, sessions } = await startH2([ok], {}, 'http');
    const error = await rejection(over(origin).post('/', 'a', options));
    expect(error).toMatchObject({ code: 'ERR_CONFIG', attempts: 1 });
    expect(error.message).toContain(`${name} makes this request one of HTTP/1.1`);
    expect(sessions).toHaveLength(0);
  });

  it('by a proxy of the environment is refused, and one that NO_PROXY exempts is not', async () => {
    const { origin } = await startH2([ok], {}, 'http');
    const client = over(origin, { proxy: 'env' });
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('http_proxy', 'http://localhost:1');
    vi.stubEnv('no_proxy', '');
    expect((await rejection(client.get('/'))).code).toBe('ERR_CONFIG');
    vi.stubEnv('no_proxy', 'localhost');
    expect((await client.get('/')).data).toBe('ok');
  });

  it('to an https:// URL is sent as with `allowH2: true`', async () => {
    const server = await startHttps({ cert: identity.cert, key: identity.key }, (_, response) => response.end('one'));
    const client = over(server.origin, { allowH2: 'prior-knowledge' });
    expect((await client.get('/', { httpsAgent: new https.Agent({ ca: ca.cert }) })).data).toBe('one');
    expect((await client.get('/')).data).toBe('one');
  });
});

it.each(schemes)('A redirect to %s from the other scheme speaks HTTP/2 with both servers', async (scheme) => {
  const target = await startH2([ok], {}, scheme);
  const away: Answer = (stream) => {
    stream.respond({ ':status': 302, location: target.origin });
    stream.end();
  };
  const start = await startH2([away], {}, scheme === 'http' ? 'https' : 'http');
  const client = over(start.origin, { allowH2: 'prior-knowledge', allowAbsoluteUrls: true, maxRedirects: 1 });
  expect((await client.get('/')).data).toBe('ok');
  expect(target.requests[0]).toMatchObject({ ':scheme': scheme, ':path': '/' });
});

it('The adapter without policies speaks it too', async () => {
  const { origin, sessions } = await startH2([ok], {}, 'http');
  await using adapter = createUndiciAdapter({ allowH2: 'prior-knowledge' });
  const { default: axios } = await import('axios');
  const client = axios.create({ adapter });
  const all = await Promise.all(Array.from({ length: 3 }, () => client.get(origin)));
  expect(all.map(({ data }) => data)).toEqual(['ok', 'ok', 'ok']);
  expect(sessions).toHaveLength(1);
});
