/** What axios-retry and this library do with the same server, measured: the table in docs/migrating/axios-retry.md. */
import http from 'node:http';
import { Readable } from 'node:stream';
import axios from 'axios';
import axiosRetry from 'axios-retry';

const { isNetworkOrIdempotentRequestError } = axiosRetry;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const always = () => true;

/** Answers of the server: the n-th request meets the n-th, later ones the last. */
const status =
  (code, headers = {}, body = '') =>
  (_, response) =>
    response.writeHead(code, headers).end(body);
const reset = (request) => request.socket.destroy();
const silence = () => {};

/**
 * One line of the table each. `retry`: functions and the number of retries, as axios-retry takes them. `call`: options of
 * the call. `ours`: configuration of the client, `theirs`: defaults of the axios instance. `tell`: what the line says
 * instead of the number of requests and the outcome.
 */
const cases = [
  { title: 'GET, 503 each time', script: [status(503)] },
  { title: 'GET, 500 each time', script: [status(500)] },
  { title: 'GET, 501 each time', script: [status(501)] },
  { title: 'GET, 429 without `Retry-After`', script: [status(429)] },
  { title: 'GET, 429 with `Retry-After: 0`', script: [status(429, { 'retry-after': '0' })] },
  { title: 'GET, 409', script: [status(409)] },
  { title: 'PUT, 503 each time', method: 'put', script: [status(503)] },
  { title: 'POST, 503', method: 'post', script: [status(503)] },
  {
    title: 'POST with an `Idempotency-Key` header, 503 each time',
    method: 'post',
    call: { headers: { 'Idempotency-Key': 'order-42' } },
    script: [status(503)],
  },
  { title: 'GET, connection reset each time', script: [reset] },
  { title: 'POST, connection reset', method: 'post', script: [reset] },
  { title: 'POST, connection refused each time', method: 'post', refused: true },
  {
    title: 'GET, no answer within 50 ms (`timeout`, here `timeouts.attempt`)',
    script: [silence],
    theirs: { timeout: 50 },
    ours: { timeouts: { attempt: 50 } },
  },
  {
    title: 'POST, the same with `clarifyTimeoutError` and `shouldResetTimeout`',
    method: 'post',
    script: [silence],
    theirs: { timeout: 50, transitional: { clarifyTimeoutError: true } },
    ours: { timeouts: { attempt: 50 } },
    only: { shouldResetTimeout: true },
  },
  {
    title: 'PUT with a stream, 503 each time',
    method: 'put',
    body: () => Readable.from(['content']),
    script: [status(503)],
    tell: ({ requests }) => `bodies: ${requests.map(({ body }) => (body === '' ? 'empty' : 'whole')).join(', ')}`,
  },
  {
    title: 'GET, 503 and `Retry-After: 86400`',
    script: [status(503, { 'retry-after': '86400' })],
  },
  {
    title: 'Request interceptor, GET with 503 each time',
    script: [status(503)],
    tell: ({ interceptions }) => `runs ${times(interceptions)}`,
  },
  {
    title: 'Cancel token, cancelled in a wait of 400 ms',
    script: [status(503)],
    retry: { retryDelay: () => 400 },
    cancelAfter: 100,
    tell: ({ code, ms }) => `${code} ${ms < 300 ? 'at once' : 'after the wait'}`,
  },
  {
    title: 'Default wait between attempts, GET with 503 each time',
    script: [status(503)],
    random: () => 1,
    tell: ({ requests }) => (shortestPause(requests) < 40 ? 'none' : 'up to 50 ms, then up to 100 ms'),
  },
  {
    title: '`retryDelay` returns 0, `Retry-After: 1`',
    script: [status(503, { 'retry-after': '1' }), status(200)],
    retry: { retryDelay: () => 0 },
    tell: ({ ms }) => (ms < 900 ? 'retried at once' : 'retried after 1 s'),
  },
  {
    title: '`retryCondition: isNetworkOrIdempotentRequestError`, GET, 500 each time',
    script: [status(500)],
    retry: { retryCondition: isNetworkOrIdempotentRequestError },
  },
  {
    title: 'The same, POST, connection reset each time',
    method: 'post',
    script: [reset],
    retry: { retryCondition: isNetworkOrIdempotentRequestError },
  },
  {
    title: 'The same, POST, no answer within 50 ms',
    method: 'post',
    script: [silence],
    retry: { retryCondition: isNetworkOrIdempotentRequestError },
    theirs: { timeout: 50 },
    ours: { timeouts: { attempt: 50 } },
  },
  {
    title: '`retryCondition: () => true`, POST, 500 each time',
    method: 'post',
    script: [status(500)],
    retry: { retryCondition: always },
  },
  {
    title: '`retryCondition` resolves to undefined, GET, 500 each time',
    script: [status(500)],
    retry: { retryCondition: async () => {} },
  },
  {
    title: '`retryCondition` rejects, GET, 500',
    script: [status(500)],
    retry: { retryCondition: () => Promise.reject(new Error('of the condition')) },
    tell: ({ message }) => `rejects: ${message}`,
  },
  {
    title: '`onRetry` throws, GET, 503',
    script: [status(503)],
    retry: { onRetry: () => Promise.reject(new Error('of the hook')) },
    tell: ({ requests, message }) => `${count(requests.length)}, rejects: ${message}`,
  },
  {
    title: '`onRetry` replaces a header, GET, 503, 503, 200',
    script: [status(503), status(503), status(200)],
    call: { headers: { 'x-token': 'old' } },
    retry: {
      onRetry: (retryCount, _, config) => {
        if (retryCount === 1) config.headers['x-token'] = 'new';
      },
    },
    tell: ({ requests }) => `sends ${requests.map(({ headers }) => headers['x-token']).join(', ')}`,
  },
  {
    title: '`onRetry` replaces `url`, GET, 503',
    script: [status(503), status(200)],
    retry: {
      onRetry: (_, __, config) => {
        config.url = '/other';
      },
    },
    tell: ({ requests, outcome }) => `requests ${requests.map(({ path }) => path).join(', ')}: ${outcome}`,
  },
  {
    title: '`onRetry` never settles, time limit 150 ms',
    script: [status(503)],
    retry: { onRetry: () => new Promise(() => {}) },
    theirs: { timeout: 150 },
    ours: { timeouts: { total: 150 } },
  },
  {
    title: '`onMaxRetryTimesExceeded`, GET, 503 each time',
    script: [status(503)],
    noted: 'onMaxRetryTimesExceeded',
    tell: ({ notes }) => `called ${times(notes.length)}`,
  },
  {
    title: 'The same with no retries allowed',
    script: [status(503)],
    retry: { retries: 0 },
    noted: 'onMaxRetryTimesExceeded',
    tell: ({ notes }) => `called ${times(notes.length)}`,
  },
  {
    title: '`validateResponse` refuses a 200',
    script: [status(200)],
    retry: { validateResponse: () => false },
    tell: rejected,
  },
  {
    title: 'The same with `retryCondition: () => true`',
    script: [status(200)],
    retry: { validateResponse: () => false, retryCondition: always },
    tell: rejected,
  },
  {
    title: '`validateResponse` accepts a 500',
    script: [status(500)],
    retry: { validateResponse: always },
    tell: rejected,
  },
];

/** Of several pauses the shortest, as a busy machine makes any of them longer. */
function shortestPause(requests) {
  return Math.min(...requests.slice(1).map(({ at }, index) => at - requests[index].at));
}

function rejected({ requests, outcome, message }) {
  return `${count(requests.length)}, ${message === undefined ? 'resolves' : 'rejects'}: ${outcome}`;
}

function count(requests) {
  return requests === 1 ? '1 request' : `${requests} requests`;
}

function times(number) {
  return number === 1 ? 'once' : `${number} times`;
}

/** The table, as text. `createHttpClient`: that of this library. */
export async function axiosRetryTable(createHttpClient) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const rows = [];
  for (const each of cases) {
    const told = async (make) => (each.tell ?? standard)(await measured(each, make));
    rows.push(row([each.title, ...(await Promise.all([theirClient, ourClient(createHttpClient)].map(told)))]));
  }
  return [row(['Case', 'axios-retry', 'Here']), row(['---', '---', '---']), ...rows].join('\n');
}

function standard({ tries, outcome }) {
  return `${count(tries)}: ${outcome}`;
}

/** The page with the table in the place of the present one. */
export function withAxiosRetryTable(page, table) {
  return page.replace(/^\| Case \| axios-retry \| Here \|\n(\|.*\n)+/m, () => `${table}\n`);
}

function theirClient({ theirs, only }, baseURL, retry) {
  const client = axios.create({ baseURL, proxy: false, ...theirs });
  axiosRetry(client, { ...retry, ...only });
  return { client, end: () => {}, triesOf: ({ config }) => (config['axios-retry'].retryCount ?? 0) + 1 };
}

const quiet = { debug: silence, info: silence, warn: silence, error: silence };

function ourClient(createHttpClient) {
  return ({ ours, random = () => 0 }, baseURL, { retries, ...retry }) => {
    const limits = retries === undefined ? {} : { retry: { maxRetries: retries } };
    const client = createHttpClient({ baseURL, ...limits, ...ours }, { logger: quiet, random, retry });
    return { client, end: () => client.close({ grace: 0 }), triesOf: ({ attempts }) => attempts };
  };
}

async function measured(each, make) {
  const server = await serve(each.script ?? []);
  const { requests } = server;
  if (each.refused) await server.close();
  const notes = [];
  const noting = each.noted === undefined ? {} : { [each.noted]: (...given) => void notes.push(given) };
  const { client, end, triesOf } = make(each, `http://127.0.0.1:${server.port}`, { ...each.retry, ...noting });
  let interceptions = 0;
  client.interceptors.request.use((config) => {
    interceptions++;
    return config;
  });
  const cancel = axios.CancelToken.source();
  const token = each.cancelAfter === undefined ? {} : { cancelToken: cancel.token };
  if (each.cancelAfter !== undefined) setTimeout(() => cancel.cancel(), each.cancelAfter).unref();
  // Ends a wait that outlasts the measurement, whose timer would keep the process alive for a day.
  const over = new AbortController();
  const { signal } = over;
  const options = { url: '/', method: each.method ?? 'get', data: each.body?.(), signal, ...each.call, ...token };
  const startedAt = performance.now();
  const call = client.request(options).then(
    (response) => ({ outcome: response.status, tries: requests.length }),
    (error) => {
      const { code, message, response } = error;
      return {
        outcome: response?.status ?? code,
        code,
        message,
        tries: error.config ? triesOf(error) : requests.length,
      };
    },
  );
  const waiting = pause(1500).then(() => ({ outcome: 'still waits', tries: requests.length }));
  const result = await Promise.race([call, waiting]);
  const ms = performance.now() - startedAt;
  over.abort();
  await end();
  if (!each.refused) await server.close();
  return { ...result, ms, requests: [...requests], notes, interceptions };
}

async function serve(script) {
  const requests = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('error', silence);
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.once('end', () => {
      const { url: path, headers } = request;
      requests.push({ path, headers, body, at: performance.now() });
      script[Math.min(requests.length, script.length) - 1](request, response);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { requests, port: server.address().port, close };
}
