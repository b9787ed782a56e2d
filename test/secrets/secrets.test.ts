import axios, { AxiosError, type AxiosRequestConfig, isAxiosError } from 'axios';
import { createHttpClient, type HttpClient, type HttpClientConfig, type HttpClientDeps } from 'pillion';
import { createMockTransport, type Script } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';
import {
  basicCall,
  leaks,
  leaksOf,
  logging,
  profiles,
  secretAnswer,
  secretBody,
  secretCall,
  secretReply,
} from './planted.js';

fakeTimers();

interface Scene {
  code: string;
  script?: Script;
  config?: HttpClientConfig;
  deps?: HttpClientDeps;
  call?: AxiosRequestConfig;
  url?: string;
  /** What happens before the call whose error is looked at. */
  before?: (client: HttpClient) => unknown;
  /** And while it runs. */
  during?: (client: HttpClient) => void;
}

const cancelled = axios.CancelToken.source();
cancelled.cancel('too late');

function scenes(): Record<string, Scene> {
  const controller = new AbortController();
  const source = axios.CancelToken.source();
  const busy = (client: HttpClient) => void client.get('/busy', { timeout: 100 }).catch(() => {});
  return {
    'a 400': { code: 'ERR_BAD_REQUEST', script: [secretReply(400)] },
    'a 404': { code: 'ERR_BAD_REQUEST', script: [secretReply(404)] },
    'a 429': { code: 'ERR_BAD_REQUEST', script: [secretReply(429)] },
    'a 500': { code: 'ERR_BAD_RESPONSE', script: [secretReply(500)] },
    'a 503 to the last attempt': { code: 'ERR_BAD_RESPONSE', script: [{ reply: secretReply(503) }] },
    'a 302': { code: 'ERR_BAD_RESPONSE', script: [secretReply(302)] },
    'a status that the caller refuses': {
      code: 'ERR_BAD_RESPONSE',
      script: [secretReply(200)],
      call: { validateStatus: () => false },
    },
    ECONNREFUSED: { code: 'ECONNREFUSED', script: [{ reply: { error: 'ECONNREFUSED' } }] },
    ECONNRESET: { code: 'ECONNRESET', script: [{ reply: { error: 'ECONNRESET' } }] },
    ENOTFOUND: { code: 'ENOTFOUND', script: [{ reply: { error: 'ENOTFOUND' } }] },
    'an expired certificate': { code: 'CERT_HAS_EXPIRED', script: [{ error: 'CERT_HAS_EXPIRED' }] },
    'an attempt timeout': { code: 'ERR_ATTEMPT_TIMEOUT', script: [{ reply: 'hang' }] },
    'the deadline': { code: 'ERR_DEADLINE', script: ['hang'], config: { timeouts: { total: 50 } } },
    "the call's own timeout": { code: 'ECONNABORTED', script: ['hang'], call: { timeout: 50 } },
    'an open circuit': {
      code: 'ERR_CIRCUIT_OPEN',
      script: [secretReply(500)],
      config: { circuitBreaker: { volumeThreshold: 1 } },
      before: (client) => rejection(client.get('/')),
    },
    'a limit': {
      code: 'ERR_LIMIT',
      script: ['hang'],
      config: { limits: { maxRequests: 1, maxPendingRequests: 0 } },
      before: busy,
    },
    'a closed client': { code: 'ERR_CLOSED', before: (client) => client.close() },
    'a client closed meanwhile': {
      code: 'ERR_CLOSED',
      script: ['hang'],
      during: (client) => void client.close({ grace: 1 }),
    },
    'a signal aborted beforehand': { code: 'ERR_CANCELED', call: { signal: AbortSignal.abort() } },
    'a signal aborted meanwhile': {
      code: 'ERR_CANCELED',
      script: ['hang'],
      call: { signal: controller.signal },
      during: () => controller.abort(new Error('the user left')),
    },
    'a token cancelled beforehand': { code: 'ERR_CANCELED', call: { cancelToken: cancelled.token } },
    'a token cancelled meanwhile': {
      code: 'ERR_CANCELED',
      script: ['hang'],
      call: { cancelToken: source.token },
      during: () => source.cancel('left'),
    },
    'another origin': {
      code: 'ERR_ORIGIN_NOT_ALLOWED',
      url: 'https://ada:planted-userinfo@evil.test/x?k=planted-k#planted',
    },
    'a URL with a line break': { code: 'ERR_INVALID_URL', url: '/x\n?k=planted-k' },
    'a URL with a line break and credentials': {
      code: 'ERR_INVALID_URL',
      url: `//ada:planted-userinfo@api.test/\nx?k=planted-k`,
    },
    'a URL that is none': { code: 'ERR_INVALID_URL', url: 'http://ada:planted-userinfo@[::/x?k=planted-k' },
    'a URL with a bad port': { code: 'ERR_INVALID_URL', url: 'http://ada:planted/userinfo@api.test/x' },
    'a bad call option': { code: 'ERR_CONFIG', call: { retry: { maxRetrys: 'planted-option' } as object } },
    'a body that is no JSON': {
      code: 'ERR_BAD_RESPONSE',
      script: [{ data: 'planted-body' }],
      call: { responseType: 'json', transitional: { silentJSONParsing: false } },
    },
    'a long body that is no JSON': {
      code: 'ERR_BAD_RESPONSE',
      script: [{ data: `{"ok": true, "padding": "${'-'.repeat(80)}", "card": planted-body}` }],
      call: { responseType: 'json', transitional: { silentJSONParsing: false } },
    },
    'the body of a failure that is no JSON': {
      code: 'ERR_BAD_RESPONSE',
      script: [{ status: 404, data: 'planted-body' }],
      call: { responseType: 'json', transitional: { silentJSONParsing: false } },
    },
  };
}

describe.each(profiles)('nothing secret is printed, log profile %s', (profile) => {
  it.each(Object.keys(scenes()))('by the error or the log of %s', async (name) => {
    const scene = scenes()[name];
    if (scene === undefined) throw new Error(name);
    const log = logging(profile);
    const client = createHttpClient(
      { baseURL, ...log.config, ...scene.config },
      { logger: log.logger, transport: createMockTransport(scene.script ?? []), random: () => 0, ...scene.deps },
    );
    await scene.before?.(client);
    const call = { ...basicCall, ...scene.call, method: 'put', url: scene.url ?? '/path', data: secretBody };
    const failed = rejection(client.request(call));
    await vi.advanceTimersByTimeAsync(1);
    scene.during?.(client);
    await vi.runAllTimersAsync();
    const error = await failed;
    expect(error.code).toBe(scene.code);
    expect(isAxiosError(error)).toBe(true);
    expect(leaksOf(error)).toEqual([]);
    expect(leaks(log.text())).toEqual([]);
  });

  it('by the log of calls that go well', async () => {
    const log = logging(profile);
    const transport = createMockTransport([secretReply(503), secretReply(200)]);
    const client = createHttpClient({ baseURL, ...log.config }, { logger: log.logger, transport, random: () => 0 });
    const response = client.put('/path', secretBody, secretCall);
    await vi.runAllTimersAsync();
    expect((await response).data).toEqual(secretAnswer);
    expect(log.text().trim().split('\n')).toHaveLength(3);
    expect(leaks(log.text())).toEqual([]);
  });
});

describe('the means of looking', () => {
  it("do find what axios's own error prints", async () => {
    const transport = createMockTransport([{ reply: secretReply(500) }]);
    const bare = axios.create({ baseURL, adapter: transport });
    const { data: answer, ...rest } = await bare.put('/path', secretBody, { ...basicCall, validateStatus: null });
    const error = new AxiosError('failed', 'ERR_BAD_RESPONSE', rest.config, rest.request, { ...rest, data: answer });
    for (const means of ['JSON.stringify', 'util.inspect', 'console.error', 'pino', 'spread'])
      expect(leaksOf(error).filter((leak) => leak.startsWith(means)).length, means).toBeGreaterThan(0);
  });
});

describe('nothing secret is printed by a client without a baseURL', () => {
  it.each([
    ['a data: URL', 'data:text/plain,planted-content'],
    ['a host without its scheme', 'ada:planted-userinfo@api.test/x?k=planted-k'],
    ['a URL of another scheme', 'ftp://ada:planted-userinfo@api.test/x?k=planted-k'],
    ['a relative URL', '/x?k=planted-k'],
  ])('for %s', async (_, url) => {
    vi.useRealTimers();
    const log = logging('otel');
    const client = createHttpClient({ ...log.config }, { logger: log.logger });
    const error = await client.get(url).catch((reason) => reason);
    if (error instanceof Error) expect(leaksOf(error)).toEqual([]);
    expect(leaks(log.text())).toEqual([]);
    await client.close();
  });
});
