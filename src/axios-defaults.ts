/** The axios defaults of an instance, without what would be merged into every call for nothing. */
import axios, { AxiosHeaders, type AxiosInstance, type CreateAxiosDefaults } from 'axios';
import type { Config } from './config/schema.js';

/** Only for browsers, or axios's way of saying "none": left out, merging them costs a call 2 us. */
const idle = ['xsrfCookieName', 'xsrfHeaderName', 'maxContentLength', 'maxBodyLength', 'timeout'] as const;

export function createInstance(defaults: CreateAxiosDefaults): AxiosInstance {
  const instance = axios.create(defaults);
  for (const name of idle) if (instance.defaults[name] === axios.defaults[name]) delete instance.defaults[name];
  const { headers } = instance.defaults;
  for (const [method, bucket] of Object.entries(headers)) {
    if (isEmptyBucket(bucket)) makeOnDemand(headers as unknown as Buckets, method);
  }
  return instance;
}

type Buckets = Record<string, unknown>;

function isEmptyBucket(bucket: unknown): boolean {
  return typeof bucket === 'object' && bucket !== null && Object.keys(bucket).length === 0;
}

/**
 * `defaults.headers.post` and its ten siblings are empty objects that axios copies for every call, 2 us together.
 * Here each comes into being when somebody first asks for it: `client.defaults.headers.post['X-A'] = 'b'` works as ever.
 */
function makeOnDemand(headers: Buckets, method: string): void {
  const settle = (value: unknown) =>
    Object.defineProperty(headers, method, { value, writable: true, enumerable: true, configurable: true });
  Object.defineProperty(headers, method, {
    get: () => {
      settle({});
      return headers[method];
    },
    set: settle,
    enumerable: false,
    configurable: true,
  });
}

/** Puts what the configuration says about axios itself in force; `before` is what it said until now. */
export function applyConfig(instance: AxiosInstance, config: Config, before?: Config): void {
  const { baseURL, headers, maxRedirects, proxy, allowAbsoluteUrls } = config;
  const { defaults } = instance;
  Object.assign(defaults, { baseURL, maxRedirects, allowAbsoluteUrls, proxy: proxy === 'env' ? undefined : false });
  for (const name of Object.keys(before?.headers ?? {})) delete defaults.headers[name];
  // Through AxiosHeaders, which refuses what would not go on the wire.
  Object.assign(defaults.headers, new AxiosHeaders(headers));
}
