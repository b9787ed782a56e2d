/** Every option of axios has an effect wherever it is given, or is refused with the place where it belongs. */
import { Agent } from 'node:http';
import axios, { type AxiosAdapter, AxiosHeaders } from 'axios';
import { createHttpClient, type HttpClientConfig, type HttpClientDeps, usePolicies } from 'pillion';
import { describe, expect, it } from 'vitest';
import { baseURL, silent } from '../support/client.js';

const noop = () => {};
const values: Record<string, unknown> = {
  ...{
    url: '/u',
    method: 'put',
    baseURL,
    allowAbsoluteUrls: true,
    transformRequest: [noop],
    transformResponse: [noop],
  },
  ...{ headers: { 'x-a': '1' }, params: { a: 1 }, paramsSerializer: { indexes: null }, data: 'text', timeout: 30_000 },
  ...{
    timeoutErrorMessage: 'late',
    withCredentials: true,
    auth: { username: 'u', password: 'p' },
    responseType: 'text',
  },
  ...{
    responseEncoding: 'latin1',
    xsrfCookieName: 'x',
    xsrfHeaderName: 'y',
    onUploadProgress: noop,
    decompress: false,
  },
  ...{ onDownloadProgress: noop, maxContentLength: 9, validateStatus: () => true, maxBodyLength: 9, maxRedirects: 3 },
  ...{ maxRate: 9, beforeRedirect: noop, socketPath: '/s', allowedSocketPaths: ['/s'], transport: {}, httpVersion: 1 },
  ...{
    httpAgent: new Agent(),
    httpsAgent: new Agent(),
    proxy: { host: '127.0.0.1', port: 1 },
    family: 4,
    lookup: noop,
  },
  ...{ transitional: { clarifyTimeoutError: true }, insecureHTTPParser: true, env: { FormData }, formSerializer: {} },
  ...{ withXSRFToken: true, parseReviver: noop, fetchOptions: {}, http2Options: {}, redact: ['a'], adapter: noop },
  ...{ signal: new AbortController().signal, cancelToken: axios.CancelToken.source().token },
  ...{ sensitiveHeaders: ['a'], formDataHeaderPolicy: 'legacy' },
};

/** Those that the configuration has too, and those that a client sets itself. */
const configured = ['baseURL', 'allowAbsoluteUrls', 'headers', 'maxContentLength', 'maxRedirects'];
const refusedInDeps = ['adapter', 'baseURL', 'allowAbsoluteUrls', 'maxRedirects', 'proxy'];

const answering: AxiosAdapter = async (config) => ({
  ...{ data: 'ok', status: 200, statusText: 'OK', headers: new AxiosHeaders(), config },
});

const faultOf = (make: () => unknown) => {
  try {
    make();
  } catch (error) {
    return error as Error & { code: string };
  }
  return undefined;
};

describe.each(Object.keys(values))("axios's option %s", (name) => {
  const option = { [name]: values[name] };

  it('in the configuration is taken, or refused with its place', () => {
    const error = faultOf(() => createHttpClient(option as HttpClientConfig, { logger: silent }));
    if (configured.includes(name)) {
      expect(error).toBeUndefined();
      return;
    }
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    expect(error?.message).toMatch(/did you mean|belongs|deps\.axios|deps\.transport|single call/);
  });

  it('beside the other dependencies is refused with its place', () => {
    if (name === 'transport') return;
    const error = faultOf(() => createHttpClient({}, { logger: silent, ...option } as HttpClientDeps));
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    expect(error?.message).toMatch(/deps\.axios|deps\.transport|configuration, the first argument|single call/);
  });

  it('in deps.axios is on every call, or refused with its place', async () => {
    const make = () => createHttpClient({}, { logger: silent, transport: answering, axios: option });
    const error = faultOf(make);
    if (refusedInDeps.includes(name)) {
      expect(error?.message).toMatch(/deps\.transport|configuration/);
      return;
    }
    expect(make().defaults).toHaveProperty(name);
    if (
      ['url', 'method', 'data', 'headers', 'transformRequest', 'transformResponse', 'transitional', 'env'].includes(
        name,
      )
    )
      return;
    const { config } = await make().get(`${baseURL}/`);
    expect(config).toHaveProperty(name, values[name]);
  });

  it('of an instance under usePolicies, or of a call, stays on the call', async () => {
    if (
      [
        'url',
        'method',
        'data',
        'headers',
        'transformRequest',
        'transformResponse',
        'transitional',
        'env',
        'adapter',
      ].includes(name)
    )
      return;
    const instance = axios.create(option);
    usePolicies(instance, {}, { logger: silent, transport: answering });
    const client = createHttpClient({}, { logger: silent, transport: answering });
    const answers = [instance.get(`${baseURL}/`), client.get(`${baseURL}/`, option)];
    for (const { config } of await Promise.all(answers)) expect(config).toHaveProperty(name, values[name]);
  });
});

describe('dependencies', () => {
  it('that nobody knows are refused, all of them at once', () => {
    const error = faultOf(() =>
      createHttpClient({ name: 'billing' }, { logr: silent, timeouts: {}, axios: { proxy: false } } as HttpClientDeps),
    );
    expect(error).toMatchObject({
      faults: [
        { path: 'deps.logr', message: expect.stringContaining('known: transport, logger') },
        { path: 'deps.timeouts', message: expect.stringContaining('configuration') },
        { path: 'deps.axios.proxy', message: expect.stringContaining("proxy: 'env'") },
      ],
    });
  });

  it('of usePolicies leave the defaults of axios to the instance', () => {
    const deps = { axios: { timeout: 5 } } as object;
    expect(faultOf(() => usePolicies(axios.create(), {}, deps))?.message).toContain('belongs to the axios instance');
  });

  it.each([
    ['transport', () => {}, 'deps.transport'],
    ['adapter', 'http', 'deps.transport'],
    ['logger', silent, 'deps.logger'],
    ['axios', { timeout: 5 }, 'deps.axios'],
    ['perAttempt', [], 'deps.perAttempt'],
  ])('that stand in the configuration are refused with their place: %s', (name, value, place) => {
    expect(faultOf(() => createHttpClient({ [name]: value } as HttpClientConfig))).toMatchObject({
      faults: [{ path: name, message: `unknown option: it is code and not configuration, pass it as ${place}` }],
    });
  });

  it.each([
    [{ transport: 'http' }, 'transport', 'expected a function'],
    [{ random: 4 }, 'random', 'expected a function'],
    [{ logger: { log: () => {} } }, 'logger', "expected a logger with pino's methods debug, info, warn and error"],
  ])('that cannot be used are refused: %j', (deps, name, message) => {
    expect(faultOf(() => createHttpClient({}, deps as unknown as HttpClientDeps))).toMatchObject({
      faults: [{ path: `deps.${name}`, message }],
    });
  });

  it('that are undefined are none', () => {
    const deps = { logger: silent, extra: undefined, axios: { proxy: undefined } } as unknown as HttpClientDeps;
    expect(faultOf(() => createHttpClient({}, deps))).toBeUndefined();
  });
});
