/** Clients that speak HTTP/2 over one connection. The first, node:http2 by itself, is what the others are compared with. */
import { randomUUID } from 'node:crypto';
import http2 from 'node:http2';
import axios from 'axios';
import { createHttpClient } from 'pillion';
import { Agent, request as undiciRequest } from 'undici';
import { identityOf, nowhere, sentByAxios } from './axios-variants.mjs';
import { nothing } from './pillion-variants.mjs';

const window = 16 * 1024 * 1024;

/** What a client of this library sends in each request, apart from what differs. */
const ofClients = { 'user-agent': 'pillion/1.0.0', 'accept-encoding': 'gzip, compress, deflate, br' };

/** Listens for what no client may miss: an end without an answer, trailers. */
function listenAsClients(stream) {
  stream.on('trailers', () => {});
  stream.on('close', () => {});
}

/**
 * As one would write it by hand, with windows that do not slow down a long body, unless `standardWindows` says so. With `same` it
 * sends the headers of a client of this library, of which one is another in each request, and has its listeners.
 */
function bareHttp2({ origin, tls, standardWindows, same }) {
  const settings = standardWindows ? {} : { initialWindowSize: window };
  const session = http2.connect(origin, { ...identityOf(tls), settings: { ...settings, enablePush: false } });
  if (!standardWindows) session.once('connect', () => session.setLocalWindowSize(window));
  return ({ method, path, stream: makeBody, answer }) => {
    const headers = { ':method': method, ':path': path, accept: 'application/json', ...(same && ofClients) };
    const fields = () => ({ ...headers, 'x-request-id': randomUUID(), [http2.sensitiveHeaders]: ['x-request-id'] });
    return () =>
      new Promise((resolve, reject) => {
        const stream = session.request(same ? fields() : headers, { endStream: makeBody === undefined });
        if (same) listenAsClients(stream);
        const chunks = [];
        stream.on('response', ({ ':status': status }) => {
          if (status >= 400) reject(new Error(`Status ${status}`));
          else if (answer === 'stream') resolve(stream);
        });
        stream.on('error', reject);
        makeBody?.().pipe(stream);
        if (answer === 'stream') return;
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', () => {
          const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
          resolve(answer === 'json' ? JSON.parse(body) : body);
        });
      });
  };
}

function undiciH2({ origin, tls, standardWindows }) {
  const dispatcher = new Agent({
    ...{ allowH2: true, connections: 1, pipelining: 1000, connect: identityOf(tls) },
    ...(standardWindows ? {} : { initialWindowSize: window, connectionWindowSize: window }),
  });
  return ({ method, path, stream, answer }) =>
    async () => {
      const { body } = await undiciRequest(origin + path, { method, dispatcher, body: stream?.() });
      if (answer === 'json') return body.json();
      return answer === 'bytes' ? body.bytes() : body;
    };
}

function axiosH2({ origin, tls, standardWindows }) {
  const settings = standardWindows ? {} : { initialWindowSize: window };
  const http2Options = { ...identityOf(tls), settings };
  const instance = axios.create({ baseURL: origin, adapter: 'http', proxy: false, httpVersion: 2, http2Options });
  return sentByAxios((config) => instance.request(config));
}

const sentByClient = ({ origin, tls: { cert, key, ca } }, config, deps) => {
  const client = createHttpClient(
    { name: 'billing', baseURL: origin, allowH2: true, tls: { cert, key, ca }, ...config },
    deps,
  );
  return sentByAxios((request) => client.request(request));
};

export const h2Variants = {
  http2: { title: 'node:http2, body parsed', make: bareHttp2 },
  same: { title: 'node:http2, also headers as ours', make: (target) => bareHttp2({ ...target, same: true }) },
  undici: { title: 'undici.request, allowH2', make: undiciH2 },
  axios: { title: 'axios, httpVersion: 2', make: axiosH2 },
  pillion: {
    title: 'pillion, standard stack',
    make: (target) => sentByClient(target, { limits: { maxRequests: 512 } }, { logger: nowhere() }),
  },
  off: { title: 'pillion, every policy off', make: (target) => sentByClient(target, nothing) },
};
