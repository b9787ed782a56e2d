import https from 'node:https';
import type { AxiosRequestConfig } from 'axios';
import { createHttpClient, type HttpClientConfig } from 'pillion';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { authority } from '../support/certificates.js';
import { type Rejected, rejection } from '../support/client.js';
import { closedPort, startHttp, startHttps, type Upstream } from '../support/upstream.js';
import { type Secretive, secretive } from './certificates.js';
import { basicCall, leaks, leaksOf, logging, secretAnswer, secretBody } from './planted.js';

let server: Upstream;
let dead: string;
let secure: Upstream;
let ours: Secretive;

beforeEach(async () => {
  server = await startHttp((request, response) => {
    const path = request.url?.split('?')[0];
    response.setHeader('set-cookie', 'sid=planted-set-cookie');
    request.on('error', () => {});
    if (path === '/reset') request.socket.destroy();
    else if (path === '/hang') return;
    else if (path === '/cut') {
      response.setHeader('content-length', 1000).write('planted-part', () => response.destroy());
    } else if (path === '/loop') response.writeHead(302, { location: '/loop?token=planted-location' }).end();
    else if (path === '/lost') response.writeHead(302, { location: 'http://ada:planted-userinfo@[::/x' }).end();
    else if (path === '/odd') response.writeHead(302, { location: 'ftp://ada:planted-userinfo@api.test/' }).end();
    else response.writeHead(Number(path?.slice(1)), {}).end(JSON.stringify(secretAnswer));
  });
  dead = `http://127.0.0.1:${await closedPort()}`;
  const stranger = await authority('stranger');
  const theirs = await stranger.issue({ name: 'localhost', dns: ['localhost'] });
  ours = await secretive(await authority('our own'), 'client');
  secure = await startHttps({ cert: theirs.cert, key: theirs.key }, (_, response) => void response.end());
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** The error of a call full of secrets, and what was logged about it at debug level. */
async function failing(path: string, options: AxiosRequestConfig, config: HttpClientConfig = {}) {
  const log = logging('otel');
  const client = createHttpClient(
    { baseURL: server.origin, retry: { backoff: { base: 1, max: 1 } }, ...config, ...log.config },
    { logger: log.logger },
  );
  const error = await rejection(client.put(path, secretBody, { ...basicCall, ...options }));
  await client.close({ grace: 0 });
  return { error, log: log.text() };
}

function expectNoSecret({ error, log }: { error: Rejected; log: string }, alsoSecret: readonly string[] = []): void {
  expect(leaksOf(error, alsoSecret)).toEqual([]);
  expect(leaks(log, alsoSecret)).toEqual([]);
}

const lanes: [string, AxiosRequestConfig][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { maxRedirects: 1 }],
];

describe.each(lanes)('nothing secret is printed over real sockets, %s', (_, lane) => {
  it.each([
    ['/400', 'ERR_BAD_REQUEST'],
    ['/500', 'ERR_BAD_RESPONSE'],
    ['/reset', 'ECONNRESET'],
    ['/cut', 'ECONNRESET'],
  ])('by the error or the log of %s', async (path, code) => {
    const outcome = await failing(path, lane);
    expect(outcome.error).toMatchObject({ code, isAxiosError: true });
    expectNoSecret(outcome);
  });

  it('by a refused connection', async () => {
    const outcome = await failing('/', lane, { baseURL: dead });
    expect(outcome.error.code).toBe('ECONNREFUSED');
    expectNoSecret(outcome);
  });

  it('by an attempt timeout', async () => {
    const outcome = await failing('/hang', lane, { timeouts: { attempt: 20 }, retry: false });
    expect(outcome.error.code).toBe('ERR_ATTEMPT_TIMEOUT');
    expectNoSecret(outcome);
  });

  it('by an answer that is too large', async () => {
    const outcome = await failing('/200', { ...lane, maxContentLength: 5 });
    expect(outcome.error.code).toBe('ERR_BAD_RESPONSE');
    expectNoSecret(outcome);
  });

  it('by a body that is too large', async () => {
    const outcome = await failing('/200', { ...lane, maxBodyLength: 5 });
    expect(outcome.error.code).toMatch(/^ERR_/);
    expectNoSecret(outcome);
  });

  it('by a server that is not trusted, nor the key and passphrase given for it', async () => {
    const { cert, encryptedKey: key, passphrase } = ours;
    const outcome = await failing('/', lane, { baseURL: secure.origin, tls: { cert, key, passphrase } });
    expect(outcome.error.code).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/);
    expectNoSecret(outcome, [passphrase, ...ours.secretLines]);
  });

  it('by credentials in baseURL', async () => {
    const baseURL = server.origin.replace('//', '//ada:planted-userinfo@');
    for (const path of ['/500', '/reset']) expectNoSecret(await failing(path, lane, { baseURL }));
    const refused = await failing('http://other.test/', lane, { baseURL });
    expect(refused.error.code).toBe('ERR_ORIGIN_NOT_ALLOWED');
    expectNoSecret(refused);
  });

  it('by a header that cannot be sent', async () => {
    const headers = { 'x-token': 'planted-\u4e2d', 'x-\u4e2d': 'planted-value' };
    const outcome = await failing('/200', { ...lane, headers });
    expect(outcome.error.code).toMatch(/^ERR_/);
    expectNoSecret(outcome);
  });
});

describe("nothing secret is printed by what only axios's http adapter does", () => {
  it.each([
    ['/loop', 'ERR_FR_TOO_MANY_REDIRECTS'],
    ['/lost', expect.stringMatching(/^ERR_/)],
    ['/odd', expect.stringMatching(/^ERR_/)],
  ])('by a redirect that cannot be followed, %s', async (path, code) => {
    const outcome = await failing(path, { maxRedirects: 1 });
    expect(outcome.error).toMatchObject({ code, isAxiosError: true });
    expectNoSecret(outcome);
  });

  it('by an agent of the caller with a key of its own', async () => {
    const { cert, encryptedKey: key, passphrase } = ours;
    const httpsAgent = new https.Agent({ cert, key, passphrase });
    const outcome = await failing('/', { httpsAgent }, { baseURL: secure.origin });
    expect(outcome.error.isAxiosError).toBe(true);
    expectNoSecret(outcome, [passphrase, ...ours.secretLines]);
  });

  it('by a proxy whose credentials are in the environment', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, dead.replace('//', '//ada:planted-proxy@'));
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
    const outcome = await failing('/200', {}, { proxy: 'env' });
    expect(outcome.error.code).toBe('ECONNREFUSED');
    expectNoSecret(outcome, [Buffer.from('ada:planted-proxy').toString('base64')]);
  });

  it('by a proxy of the call with credentials', async () => {
    const { hostname: host, port } = new URL(dead);
    const proxy = { host, port: Number(port), auth: { username: 'ada', password: 'planted-proxy' } };
    expectNoSecret(await failing('/200', { proxy }));
  });
});
