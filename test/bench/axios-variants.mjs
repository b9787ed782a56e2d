/** axios, over any adapter, bare and with what services glue to it by hand. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { devNull } from 'node:os';
import { context, propagation } from '@opentelemetry/api';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import { pino } from 'pino';
import { Agent } from 'undici';
import { library } from './libraries.mjs';

const dataOf = ({ data }) => data;
const responseTypes = { json: 'json', bytes: 'arraybuffer', stream: 'stream' };

/**
 * The same for everyone who logs: a line is made and written, to nowhere, buffered as docs/observability.md has it. Without `sync` most lines
 * of a measurement would be written after it, and kept in memory until then.
 */
export const nowhere = () => pino(pino.destination({ dest: devNull, sync: true, minLength: 4096 }));

export const identityOf = (tls) =>
  tls && { cert: readFileSync(tls.cert), key: readFileSync(tls.key), ca: readFileSync(tls.ca) };

/** By default an agent keeps 256 idle connections, and closes those of further callers after each call. */
const keepAlive = { keepAlive: true, maxFreeSockets: Number.POSITIVE_INFINITY };

export const keepAliveAgents = (tls) => ({
  httpAgent: new http.Agent(keepAlive),
  httpsAgent: new https.Agent({ ...keepAlive, ...identityOf(tls) }),
});

/** How an axios instance, or what stands before one, sends a request of the benchmark. */
export const sentByAxios = (call) => (request) => {
  const config = { method: request.method, url: request.path, responseType: responseTypes[request.answer] };
  if (request.stream === undefined) {
    config.data = request.json ?? request.bytes;
    if (request.bytes) config.headers = { 'content-type': 'application/octet-stream' };
    return () => call(config).then(dataOf);
  }
  // axios advises this for streams: else they are kept in memory for a redirect.
  const streamed = { ...config, maxRedirects: 0, headers: { 'content-type': 'application/octet-stream' } };
  return () => call({ ...streamed, data: request.stream() }).then(dataOf);
};

export function bareAxios({ origin, tls }) {
  const instance = axios.create({ baseURL: origin, adapter: 'http', proxy: false, ...keepAliveAgents(tls) });
  return sentByAxios((config) => instance.request(config));
}

export function axiosFetch({ origin, tls }) {
  const fetchOptions = tls && { dispatcher: new Agent({ connect: identityOf(tls) }) };
  const instance = axios.create({ baseURL: origin, adapter: 'fetch', fetchOptions });
  return sentByAxios((config) => instance.request(config));
}

/** What services glue together by hand today: retries, a circuit, trace headers, a request id and a log line. */
export async function handGlued({ origin, tls }) {
  const { default: CircuitBreaker } = await library('opossum');
  const agents = keepAliveAgents(tls);
  const instance = axios.create({ baseURL: origin, adapter: 'http', proxy: false, timeout: 2500, ...agents });
  axiosRetry(instance, { retries: 2, retryDelay: axiosRetry.exponentialDelay });
  instance.interceptors.request.use(identified);
  const logger = nowhere();
  instance.interceptors.response.use((response) => {
    logger.info(...lineOf(response));
    return response;
  });
  const options = { volumeThreshold: 20, resetTimeout: 5000 };
  const breaker = new CircuitBreaker((config) => instance.request(config), options);
  return sentByAxios((config) => breaker.fire(config));
}

function identified(config) {
  config.headers.set('x-request-id', randomUUID());
  propagation.inject(context.active(), config.headers, { set: (headers, name, value) => headers.set(name, value) });
  config.startedAt = performance.now();
  return config;
}

function lineOf({ config, status }) {
  const fields = {
    client: 'billing',
    method: config.method,
    url: config.baseURL + config.url,
    status,
    duration_ms: performance.now() - config.startedAt,
    request_id: config.headers.get('x-request-id'),
  };
  return [fields, `${config.method} ${status}`];
}
