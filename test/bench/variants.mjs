/** What is compared: each makes a function that sends one request and resolves to the parsed body. */
import { randomUUID } from 'node:crypto';
import { devNull } from 'node:os';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import CircuitBreaker from 'opossum';
import { createHttpClient } from 'pillion';
import { pino } from 'pino';
import { request as undiciRequest } from 'undici';

const dataOf = ({ data }) => data;

/** The same for everyone who logs: a line is made and written, to nowhere, buffered as pino's documentation has it for services. */
const nowhere = () => pino(pino.destination({ dest: devNull, sync: false, minLength: 4096 }));

function bareAxios(baseURL) {
  const http = axios.create({ baseURL, adapter: 'http' });
  return (request) => http.request(request).then(dataOf);
}

/** What services glue together by hand today: retries, a circuit, a request id and a log line. */
function handGlued(baseURL) {
  const logger = nowhere();
  const http = axios.create({ baseURL, adapter: 'http', timeout: 2500 });
  axiosRetry(http, { retries: 2, retryDelay: axiosRetry.exponentialDelay });
  http.interceptors.request.use((config) => {
    config.headers.set('x-request-id', randomUUID());
    config.startedAt = performance.now();
    return config;
  });
  const log = ({ config, status }) =>
    logger.info(
      {
        client: 'billing',
        method: config.method,
        url: config.baseURL + config.url,
        status,
        duration_ms: performance.now() - config.startedAt,
        request_id: config.headers.get('x-request-id'),
      },
      `${config.method} ${status}`,
    );
  http.interceptors.response.use((response) => {
    log(response);
    return response;
  });
  const breaker = new CircuitBreaker((request) => http.request(request), { volumeThreshold: 20, resetTimeout: 5000 });
  return (request) => breaker.fire(request).then(dataOf);
}

function bareUndici(baseURL) {
  const headers = { 'content-type': 'application/json' };
  return async ({ method, url, data }) => {
    const body = data === undefined ? undefined : JSON.stringify(data);
    const response = await undiciRequest(baseURL + url, { method, body, headers: body && headers });
    return response.body.json();
  };
}

/** The standard stack: tracing, logging, deadline, retry, circuit breaker, limits, timeout. */
function pillion(baseURL) {
  const client = createHttpClient({ name: 'billing', baseURL }, { logger: nowhere() });
  return (request) => client.request(request).then(dataOf);
}

function pillionWithoutPolicies(baseURL) {
  const off = { timeouts: false, retry: false, circuitBreaker: false, limits: false, tracing: false, logging: false };
  const client = createHttpClient({ name: 'billing', baseURL, ...off });
  return (request) => client.request(request).then(dataOf);
}

/**
 * `scale`: how many times the number of requests a fast variant gets, so that each is measured for about as long.
 * The first is what the others are compared with.
 */
export const variants = {
  axios: { title: 'axios', scale: 1, make: bareAxios },
  glued: { title: 'axios + axios-retry + opossum + pino', scale: 1, make: handGlued },
  undici: { title: 'undici.request', scale: 4, make: bareUndici },
  pillion: { title: 'pillion, standard stack', scale: 2, make: pillion },
  off: { title: 'pillion, every policy off', scale: 3, make: pillionWithoutPolicies },
};
