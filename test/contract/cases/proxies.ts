/** Proxies: of the call and of the environment. */
import http from 'node:http';
import net, { type AddressInfo, type Server } from 'node:net';
import type { AxiosRequestConfig } from 'axios';
import { onTestFinished, vi } from 'vitest';
import { type Case, once } from '../case.js';
import { pick, refusal } from '../outcomes.js';

interface Proxy {
  readonly host: string;
  readonly port: number;
  /** What each request or tunnel was for. */
  readonly seen: { url: string; host: string | undefined; authorization: string | undefined }[];
}

/** A proxy that says what it is asked for, and tunnels. */
async function startProxy(): Promise<Proxy> {
  const seen: Proxy['seen'] = [];
  const note = ({ url = '', headers }: http.IncomingMessage) =>
    seen.push({ url, host: headers.host, authorization: headers['proxy-authorization'] });
  const server = http.createServer((request, response) => {
    note(request);
    response.end('from the proxy');
  });
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    note(request);
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = net.connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    for (const each of [target, socket])
      each.on('error', () => {}).on('close', () => void [target, socket].map((end) => end.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => closed(server));
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, seen };
}

function closed(server: Server & { closeAllConnections?(): void }): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections?.();
  });
}

const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;

/** A proxy named by the environment, until the test ends. */
function environment(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** `undefined` makes axios look at the environment; a client has an option of its own for that. */
const fromEnvironment = { proxy: undefined } as unknown as AxiosRequestConfig;

export const proxies: readonly Case[] = [
  {
    name: 'a request for http is asked of the proxy by its whole URL',
    only: once,
    run: async ({ http }) => {
      const { host, port, seen } = await startProxy();
      const { data } = await http.get('http://example.test/a?b=1', { proxy: { host, port } });
      return [data, seen];
    },
    expect: ['from the proxy', [{ url: 'http://example.test/a?b=1', host: 'example.test', authorization: undefined }]],
  },
  {
    name: 'auth of the proxy goes to the proxy',
    only: once,
    run: async ({ http }) => {
      const { host, port, seen } = await startProxy();
      await http.get('http://example.test/', { proxy: { host, port, auth: { username: 'u', password: 'p' } } });
      return seen.map(({ authorization }) => authorization);
    },
    expect: [basic],
  },
  {
    name: 'a request for https goes through a tunnel',
    only: ['https'],
    run: async ({ http, origin }) => {
      const { host, port, seen } = await startProxy();
      const { status, data } = await http.get('/echo', { proxy: { host, port } });
      return [status, data.headers['proxy-authorization'], seen[0]?.url === new URL(origin).host];
    },
    expect: [200, undefined, true],
  },
  {
    name: 'a proxy that cannot be reached is an error',
    only: once,
    run: async ({ http }) =>
      pick((await refusal(http.get('/echo', { proxy: { host: '127.0.0.1', port: 1 } }))) as { code: string }, 'code'),
    expect: { code: 'ECONNREFUSED' },
  },
  {
    name: 'proxy: false ignores the environment',
    only: once,
    run: async ({ http }) => {
      const { port, seen } = await startProxy();
      environment({ http_proxy: `http://127.0.0.1:${port}`, no_proxy: '' });
      return [(await http.get('/echo', { proxy: false })).status, seen.length];
    },
    expect: [200, 0],
  },
  {
    name: 'without proxy the one of the environment is used',
    only: once,
    run: async ({ fresh }) => {
      const { port, seen } = await startProxy();
      environment({ http_proxy: `http://u:p@127.0.0.1:${port}`, no_proxy: '' });
      const http = await fresh();
      delete http.defaults.proxy;
      await http.get('http://example.test/', fromEnvironment);
      return seen.map(({ url, authorization }) => [url, authorization]);
    },
    expect: [['http://example.test/', basic]],
  },
  {
    name: 'no_proxy names what is asked directly',
    only: once,
    run: async ({ fresh }) => {
      const { port, seen } = await startProxy();
      environment({ http_proxy: `http://127.0.0.1:${port}`, no_proxy: '127.0.0.1' });
      const http = await fresh();
      delete http.defaults.proxy;
      return [(await http.get('/echo', fromEnvironment)).status, seen.length];
    },
    expect: [200, 0],
  },
];
