/** The three wires of a scheme. */
import http from 'node:http';
import https from 'node:https';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { createHttpClient, createUndiciAdapter } from 'pillion';
import { onTestFinished } from 'vitest';
import { authority } from '../support/certificates.js';
import { type Scheme, type Wire, type WireName, wireNames } from './case.js';
import { listen, Routes, whole } from './server.js';

interface Instance {
  readonly http: AxiosInstance;
  close(): Promise<unknown>;
}

/** Where an instance sends its requests. */
interface Upstream {
  readonly scheme: Scheme;
  readonly origin: string;
  readonly ca: string;
}

async function axiosInstance({ scheme, origin, ca }: Upstream): Promise<Instance> {
  const httpAgent = new http.Agent({ keepAlive: true });
  const httpsAgent = new https.Agent({ keepAlive: true, ca });
  const h2 = scheme === 'h2' && { httpVersion: 2 as const, http2Options: { ca } };
  const defaults = { adapter: 'http', proxy: false, baseURL: origin, httpAgent, httpsAgent, ...h2 };
  const close = async () => {
    httpAgent.destroy();
    httpsAgent.destroy();
  };
  return { http: axios.create(defaults as AxiosRequestConfig), close };
}

async function adapterInstance({ scheme, origin, ca }: Upstream): Promise<Instance> {
  const adapter = createUndiciAdapter({ tls: { ca }, allowH2: scheme === 'h2' });
  return { http: axios.create({ adapter, proxy: false, baseURL: origin }), close: () => adapter.destroy() };
}

/** The policies that would change the course of a call are off, the rest stands in the way as it would for everybody. */
async function clientInstance({ scheme, origin, ca }: Upstream): Promise<Instance> {
  const client = createHttpClient({
    baseURL: origin,
    allowAbsoluteUrls: true,
    allowH2: scheme === 'h2',
    maxRedirects: 21,
    retry: false,
    circuitBreaker: false,
    logging: false,
    maxContentLength: -1,
    timeouts: { total: '10s', attempt: '10s' },
    tls: { ca },
  });
  return { http: client, close: () => client.close({ grace: 0 }) };
}

const instances: Record<WireName, (upstream: Upstream) => Promise<Instance>> = {
  axios: axiosInstance,
  adapter: adapterInstance,
  client: clientInstance,
};

export interface Wires {
  readonly byName: Readonly<Record<WireName, Wire>>;
  close(): Promise<void>;
}

/** Two servers of the scheme, and each wire to the first of them. */
export async function openWires(scheme: Scheme): Promise<Wires> {
  const root = await authority('contract');
  const identity = await root.issue({ name: 'localhost', dns: ['localhost'] });
  const routes = new Routes();
  const [server, second] = await Promise.all([0, 1].map(() => listen(scheme, identity, routes.handle)));
  if (server === undefined || second === undefined) throw new Error('There are two servers.');
  const upstream = { scheme, origin: server.origin, ca: root.cert };
  const opened: Instance[] = [];
  const wires = await Promise.all(
    wireNames.map(async (name): Promise<[WireName, Wire]> => {
      const instance = await instances[name](upstream);
      opened.push(instance);
      const { http } = instance;
      return [
        name,
        { name, http, elsewhere: second.origin, ...upstream, ...serving(routes), ...opening(name, upstream) },
      ];
    }),
  );
  const close = async () => {
    await Promise.all(opened.map((instance) => instance.close()));
    await Promise.all([server.close(), second.close()]);
  };
  return { byName: Object.fromEntries(wires) as Record<WireName, Wire>, close };
}

function serving(routes: Routes): Pick<Wire, 'serve' | 'serveEarly'> {
  return { serve: (answer) => routes.add(whole(answer)), serveEarly: (ask) => routes.add(ask) };
}

function opening(name: WireName, upstream: Upstream): Pick<Wire, 'fresh'> {
  return {
    fresh: async () => {
      const instance = await instances[name](upstream);
      onTestFinished(async () => void (await instance.close()));
      return instance.http;
    },
  };
}
