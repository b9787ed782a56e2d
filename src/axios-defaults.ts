/** The axios defaults of an instance, without what would be merged into every call for nothing. */
import axios, { type AxiosInstance, type CreateAxiosDefaults } from 'axios';
import type { Config } from './config/schema.js';

/** Only for browsers, or axios's way of saying "none": left out, merging them costs a call 2 us. */
const idle = ['xsrfCookieName', 'xsrfHeaderName', 'maxContentLength', 'maxBodyLength', 'timeout'] as const;

export function createInstance(defaults: CreateAxiosDefaults): AxiosInstance {
  const instance = axios.create(defaults);
  for (const name of idle) if (defaults[name] === undefined) delete instance.defaults[name];
  return withBucketsOnDemand(instance);
}

type Buckets = Record<string, object | undefined>;

/** The names of axios's buckets for the headers of one method: `delete`, `get`, `head`, … */
const methods = Object.keys(axios.defaults.headers).filter((name) => name !== 'common');

/** So is what `create` makes of the instance. */
function withBucketsOnDemand(instance: AxiosInstance): AxiosInstance {
  const headers = instance.defaults.headers as unknown as Buckets;
  for (const method of methods) if (Object.keys(headers[method] ?? {}).length === 0) makeOnDemand(headers, method);
  const create = instance.create.bind(instance);
  return Object.assign(instance, { create: (more?: CreateAxiosDefaults) => withBucketsOnDemand(create(more)) });
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

/** Puts what the configuration says about axios itself in force, and takes back what it said before. */
export class ConfiguredDefaults {
  readonly #defaults: AxiosInstance['defaults'];
  /** Headers that the configuration stands in for: undefined where there was none. */
  #covered: Record<string, unknown> = {};

  constructor({ defaults }: AxiosInstance, config: Config) {
    this.#defaults = defaults;
    this.apply(config);
  }

  apply({ baseURL, headers, maxRedirects, proxy, allowAbsoluteUrls }: Config): void {
    const defaults = this.#defaults;
    Object.assign(defaults, { baseURL, maxRedirects, allowAbsoluteUrls, proxy: proxy === 'env' ? undefined : false });
    for (const [name, value] of Object.entries(this.#covered)) {
      if (value === undefined) delete defaults.headers[name];
      else Object.assign(defaults.headers, { [name]: value });
    }
    this.#covered = Object.fromEntries(Object.keys(headers).map((name) => [name, defaults.headers[name]]));
    Object.assign(defaults.headers, headers);
  }
}
