/** The sockets of axios's http adapter under our policies: how many, how long, how old, and what is left of them. */
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import axios, { type AxiosRequestConfig } from 'axios';
import { createHttpClient, createUndiciAdapter, type UndiciAdapterOptions } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer, hang } from '../support/behaviours.js';
import { authority } from '../support/certificates.js';
import { rejection, silent, until, watch } from '../support/client.js';
import { files } from '../support/files.js';
import { startHttp, startHttps, startTcp, type Upstream } from '../support/upstream.js';

/** A proxy for tunnels and for plain requests; which origin is asked for does not matter to a socket. */
async function startProxy() {
  const sockets = new Set<net.Socket>();
  const server = http.createServer((request, response) => {
    const { host, port, pathname } = new URL(request.url ?? '');
    request.pipe(
      http.request({ host, hostname: '127.0.0.1', port, path: pathname, agent: false }, (answered) =>
        answered.pipe(response),
      ),
    );
  });
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    const target = net.connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    for (const each of [target, socket])
      each.on('error', () => {}).on('close', () => void [target, socket].map((end) => end.destroy()));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, open: () => sockets.size };
}

/** Any name is 127.0.0.1; an option that only axios's http adapter speaks. */
const lane = { lookup: async () => ['127.0.0.1', 4], proxy: false } as AxiosRequestConfig;

function using(options: UndiciAdapterOptions = {}) {
  const adapter = createUndiciAdapter(options);
  onTestFinished(() => adapter.destroy());
  return { adapter, http: axios.create({ adapter, ...lane }) };
}

function open({ connections }: Pick<Upstream, 'connections'>): number {
  return connections.filter(({ socket }) => !socket.destroyed).length;
}

const named = ({ origin }: Upstream, number: number) => origin.replace(/127\.0\.0\.1|localhost/, `host-${number}.test`);

describe('more origins than maxOrigins', () => {
  it('leave no more sockets open than that, those of the origins used last', async () => {
    const upstream = await startHttp(answer());
    const { http } = using({ maxOrigins: 20, keepAliveTimeout: '1m' });
    for (let round = 0; round < 6; round++) {
      await Promise.all(Array.from({ length: 100 }, (_, at) => http.get(named(upstream, round * 100 + at))));
      await until(() => open(upstream) <= 20);
    }
    expect(upstream.connections).toHaveLength(600);
    await http.get(named(upstream, 0));
    await http.get(named(upstream, 599));
    await http.get(named(upstream, 0));
    expect(upstream.connections).toHaveLength(601);
    await until(() => open(upstream) <= 20);
  });

  it('keep the one that is in constant use', async () => {
    const upstream = await startHttp(answer());
    const { http } = using({ maxOrigins: 2, keepAliveTimeout: '1m' });
    for (let at = 1; at < 20; at++) {
      await http.get(named(upstream, 0));
      await http.get(named(upstream, at));
    }
    expect(upstream.requests.filter(({ headers }) => headers.host?.startsWith('host-0.')).length).toBe(19);
    expect(upstream.connections).toHaveLength(20);
  });

  it('never cut a request that is under way', async () => {
    const upstream = await startHttp(hang, answer());
    const { http } = using({ maxOrigins: 1 });
    const running = new AbortController();
    const first = rejection(http.get(named(upstream, 0), { signal: running.signal }));
    await until(() => upstream.requests.length === 1);
    for (let at = 1; at < 5; at++) await http.get(named(upstream, at));
    expect(upstream.connections[0]?.socket.destroyed).toBe(false);
    running.abort();
    expect((await first).code).toBe('ERR_CANCELED');
  });

  it('leave nothing behind in the agents', async () => {
    const upstream = await startHttp(answer());
    const seen = new Set<http.Agent>();
    const { http: client } = using({ maxOrigins: 3, keepAliveTimeout: '1m' });
    const transport = {
      request: (options: http.RequestOptions, on: (response: http.IncomingMessage) => void) => {
        seen.add(options.agent as http.Agent);
        return http.request(options, on);
      },
    };
    for (let at = 0; at < 50; at++) await client.get(named(upstream, at), { transport } as object);
    await until(() => open(upstream) <= 3);
    const [agent, ...others] = seen;
    expect(others).toEqual([]);
    await until(() => Object.keys(agent?.freeSockets ?? {}).length === 3);
    expect([agent?.sockets, agent?.requests].map((map) => Object.keys(map ?? {}))).toEqual([[], []]);
  });
});

describe('an unused socket', () => {
  it('is closed after keepAliveTimeout', async () => {
    const server = http.createServer({ keepAliveTimeout: 0 }, (_, response) => response.end('ok'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { http: client } = using({ keepAliveTimeout: 60 });
    const closed = new Promise<void>((resolve) => server.once('connection', (socket) => socket.once('close', resolve)));
    await client.get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await closed;
  });

  it('is kept for keepAliveTimeout, or not as long where the server says so', async () => {
    const long = await startHttp(answer(200, '', { 'keep-alive': 'timeout=60' }));
    const short = await startHttp(answer(200, '', { 'keep-alive': 'timeout=2' }));
    const { http } = using({ keepAliveTimeout: '1m' });
    for (const { origin } of [long, short, long, short]) {
      await http.get(origin);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect([long.connections.length, short.connections.length]).toEqual([1, 2]);
  });

  it('is closed where bytes come that belong to no response', async () => {
    const late = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate';
    const { port, connections } = await startTcp((socket) =>
      socket.on('data', (request: Buffer) => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${late.length}\r\n\r\n`);
        if (request.toString().startsWith('GET')) socket.write(late);
        else setTimeout(() => socket.write(late.slice(0, 10)), 20);
      }),
    );
    const { http } = using({ keepAliveTimeout: '1m' });
    await http.head(`http://127.0.0.1:${port}`);
    await connections[0]?.closed;
    expect((await http.get(`http://127.0.0.1:${port}`)).data).toBe(late);
  });

  it('is given up where it has become too old, for the next in the queue too', async () => {
    const upstream = await startHttp(
      answer(),
      (_, response) => void setTimeout(() => response.end('ok'), 1050),
      answer(),
    );
    const { http } = using({ maxConnections: 1, maxConnectionAge: '1s' });
    const answers = await Promise.all([1, 2, 3].map(() => http.get(upstream.origin)));
    expect(answers.map(({ data }) => data)).toEqual(['ok', 'ok', 'ok']);
    expect(upstream.connections).toHaveLength(2);
  });
});

describe('no socket is left', () => {
  it('after close(), which waits for the requests under way, and new ones are refused', async () => {
    const upstream = await startHttp(answer(), (_, response) => void setTimeout(() => response.end('late'), 50));
    const { adapter, http } = using({ keepAliveTimeout: '1m' });
    await http.get(named(upstream, 1));
    const late = http.get(named(upstream, 2));
    await until(() => upstream.requests.length === 2);
    const closed = adapter.close();
    expect((await rejection(http.get(named(upstream, 1)))).code).toBe('ERR_CLOSED');
    expect((await late).data).toBe('late');
    await closed;
    await until(() => open(upstream) === 0);
  });

  it('after destroy(): neither of a body that is being read, nor of a caller’s agent', async () => {
    const upstream = await startHttp((_, response) => void response.write('begun'));
    const agent = new http.Agent({ keepAlive: true });
    const { adapter, http: client } = using();
    const options: AxiosRequestConfig[] = [{}, { httpAgent: agent }];
    const bodies = await Promise.all(
      options.map(async (each) => (await client.get(upstream.origin, { ...each, responseType: 'stream' })).data),
    );
    const ended = bodies.map((body) => new Promise((resolve) => body.once('error', resolve)));
    await adapter.destroy();
    expect(await Promise.all(ended)).toHaveLength(2);
    await until(() => open(upstream) === 0);
  });

  it('of endpoints that are no longer asked', async () => {
    const upstream = await startHttp(answer());
    const { client } = watch({
      baseURL: 'http://api.test',
      endpoints: { static: [{ address: `127.0.0.1:${upstream.port}` }] },
    });
    await client.get('/', lane);
    await client.close();
    await until(() => open(upstream) === 0);
  });

  it.skipIf(process.platform === 'win32')('behind a path in the file system', async () => {
    const socketPath = `${dirname(files({ 'a.txt': '' })['a.txt'])}/s`;
    const sockets = new Set<unknown>();
    const server = http.createServer({ keepAliveTimeout: 0 }, (_, response) => response.end('ok'));
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    onTestFinished(() => void server.close());
    const { http: client } = using({ keepAliveTimeout: 50 });
    expect((await client.get('http://localhost/', { socketPath })).data).toBe('ok');
    expect(sockets.size).toBe(1);
    await until(() => sockets.size === 0);
  });

  it('over TLS, and of a proxy and the tunnels through it', async () => {
    const root = await authority('lanes');
    const upstream = await startHttps(await root.issue({ name: 'localhost', dns: ['localhost'] }), answer());
    const { adapter, http: client } = using({ tls: { ca: root.cert }, keepAliveTimeout: 50 });
    const proxy = await startProxy();
    const through = { proxy: { protocol: 'http', host: '127.0.0.1', port: proxy.port } };
    await client.get(upstream.origin);
    expect((await client.get(upstream.origin, through)).status).toBe(200);
    const plain = await startHttp(answer());
    expect((await client.get(plain.origin, through)).status).toBe(200);
    await adapter.close();
    await until(() => open(upstream) + open(plain) + proxy.open() === 0);
  });
});

describe('a connection that is reset behind a body that was not read yet', () => {
  it('fails the body, whose rest Node drops, in place of an end', async () => {
    const server = http.createServer((request, response) => {
      request.resume();
      response.write('x'.repeat(66_000));
      response.end('y'.repeat(60_000));
      response.once('finish', () => setTimeout(() => request.socket.resetAndDestroy(), 30));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createHttpClient({ baseURL, retry: false }, { logger: silent });
    onTestFinished(() => client.close());
    const { data } = await client.get('/', { responseType: 'stream', family: 4 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(text(data)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
