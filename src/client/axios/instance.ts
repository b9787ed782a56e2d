/** Creates the axios instance of a client, whose unused defaults cost a call nothing. */
import { Readable } from 'node:stream';
import axios, {
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
  type CreateAxiosDefaults,
} from 'axios';
import { discardUpload, isStream, isWebStream } from '../../call/body.js';
import { conceal } from '../../call/conceal.js';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { forms } from '../../call/object-form.js';
import { ownValue } from '../../call/own.js';
import { markOwnHeaders } from '../../call/record.js';
import { standardTransitional } from '../../call/transitional.js';
import { isUrl, textOf } from '../../call/url.js';
import { isUsed, spend } from '../../call/used-body.js';
import type { Config } from '../config/config.js';
import { copied, guarded } from './guarded.js';
import { type CallSender, front } from './usual-call.js';
import { frontConfig } from './usual-config.js';
import { UsualDefaults } from './usual-defaults.js';

const mocked =
  'axios.create() returned no instance, as after jest.mock("axios"). A client needs the real axios: ' +
  'script its answers with createTestClient of pillion/testing, or mock pillion itself.';

/** An instance, and its defaults, which the instance gives to whoever reads them. */
interface Instance {
  readonly instance: AxiosInstance;
  readonly defaults: UsualDefaults;
}

/**
 * Creates an axios instance in front of a stack.
 * @throws Error where axios is mocked
 */
export function createInstance(defaults: CreateAxiosDefaults, stack: CallSender): Instance {
  const instance = axios.create({ ...defaults, adapter: stack.adapter });
  if (!(instance as AxiosInstance | undefined)?.defaults) throw new Error(mocked);
  // axios's default of -1 could not be distinguished from a caller's -1, which means "no limit".
  if (defaults.maxContentLength === undefined) delete instance.defaults.maxContentLength;
  return lean(instance, stack);
}

/**
 * Makes the instance cheaper per call. axios merges all its defaults into every call, including the empty header
 * buckets of eleven methods and options for browsers, and its verbs merge once more. Without that a call costs axios
 * about 9 us, not 15.
 */
function lean(plain: AxiosInstance, stack: CallSender): Instance {
  // Only axios's default `env` is replaced (by `onDemand` below); one that the user has set stays.
  if (isSame(plain.defaults.env, axios.defaults.env)) delete plain.defaults.env;
  for (const [name, standard] of Object.entries(idle)) onDemand(plain.defaults, name, standard);
  for (const method of methods) onDemand(plain.defaults.headers, method, {});
  // Errors that axios itself throws, before or after the adapter, hold the whole config too, secrets included.
  plain.interceptors.response.use(undefined, (error) => Promise.reject(conceal(error)));
  const defaults = new UsualDefaults(plain.defaults, stack.adapter);
  const send = (call: AxiosRequestConfig) => requested(plain, defaults, call, stack);
  const request = (target?: string | URL | AxiosRequestConfig, config?: AxiosRequestConfig) =>
    send(typeof target === 'string' || isUrl(target) ? { ...config, url: textOf(target) } : { ...target });
  const create = (more?: CreateAxiosDefaults) => lean(plain.create(more), stack).instance;
  const instance = Object.assign(request.bind(undefined), plain, verbs(send, plain, stack.adapter), {
    request,
    create,
  }) as unknown as AxiosInstance;
  return { instance: sharing(instance, defaults), defaults };
}

/** Whoever reads `defaults` may change them from then on; whoever sets it has changed nothing, as with axios. */
function sharing(instance: AxiosInstance, defaults: UsualDefaults): AxiosInstance {
  return Object.defineProperty(
    instance,
    'defaults',
    own({
      get: () => defaults.share(),
      set: (value: unknown) => settle(instance, 'defaults', value),
      enumerable: true,
      configurable: true,
    }),
  );
}

/** Sends a usual call by our own short path to the adapter, and any other through axios. */
function requested(
  plain: AxiosInstance,
  defaults: UsualDefaults,
  call: AxiosRequestConfig,
  stack: CallSender,
): Promise<AxiosResponse> {
  const asked = withReadable(call);
  const config = hasOwnInterceptorOnly(plain) ? frontConfig(defaults, asked) : undefined;
  const answer =
    config === undefined ? throughAxios(plain, withForms(plain, asked), stack.adapter) : front(config, stack);
  const data = ownValue(asked, 'data');
  return isStream(data) || isWebStream(data) ? owning(answer, data) : answer;
}

function throughAxios(
  plain: AxiosInstance,
  call: AxiosRequestConfig,
  stack: unknown,
  send: (call: AxiosRequestConfig) => Promise<AxiosResponse> = plain.request,
): Promise<AxiosResponse> {
  const asked = markOwnHeaders(guarded(call, plain.defaults, stack), Object.keys(ownValue(call, 'headers') ?? {}));
  return refuseLineBreaks(asked) ?? copied(send(asked), asked, plain.defaults);
}

/** Destroys the request body where a call fails before its adapter, such as in an interceptor or a transform. */
async function owning(answer: Promise<AxiosResponse>, data: unknown): Promise<AxiosResponse> {
  try {
    return await answer;
  } catch (error) {
    discardUpload(data, error);
    throw error;
  }
}

/**
 * Adds our form class to calls with an object as data; as a default, axios would merge it into every call, which takes
 * time.
 */
function withForms({ defaults }: AxiosInstance, call: AxiosRequestConfig): AxiosRequestConfig {
  const { data, env } = call;
  const isOther = env !== undefined || Object.prototype.propertyIsEnumerable.call(defaults, 'env');
  return isOther || typeof data !== 'object' || data === null ? call : { ...call, env: forms };
}

/** Turns an async iterable into a stream; axios would treat it as an object and send its JSON, `{}`. */
function withReadable(call: AxiosRequestConfig): AxiosRequestConfig {
  const data: unknown = Object.hasOwn(call, 'data') ? call.data : undefined;
  if (typeof data !== 'object' || data === null || !(Symbol.asyncIterator in data)) return call;
  if (isStream(data) || data instanceof ReadableStream) return call;
  const body = isUsed(data) ? goneStream() : Readable.from(data as AsyncIterable<unknown>, { objectMode: false });
  spend(data);
  return { ...call, data: body };
}

/** A destroyed stream, which the stack rejects with `ERR_BODY_USED`. */
function goneStream(): Readable {
  return Readable.from([]).destroy();
}

/** True where the only interceptor is the one that `lean` added; an ejected interceptor leaves null in the list. */
function hasOwnInterceptorOnly({ interceptors }: AxiosInstance): boolean {
  const { request, response } = interceptors as unknown as Record<string, { handlers?: (object | null)[] }>;
  return request?.handlers?.length === 0 && response?.handlers?.length === 1 && response.handlers[0] !== null;
}

type Send = (config: AxiosRequestConfig) => Promise<AxiosResponse>;

function verbs(send: Send, plain: AxiosInstance, stack: unknown): Partial<Record<keyof AxiosInstance, unknown>> {
  const bare = (method: string) => (url: string, config?: AxiosRequestConfig) => send({ ...config, method, url });
  const full = (method: string) => (url: string, data?: unknown, config?: AxiosRequestConfig) =>
    send({ ...config, method, url, data });
  const form = (post: AxiosInstance['postForm']) => (url: string, data?: unknown, config?: AxiosRequestConfig) =>
    owning(
      throughAxios(plain, withForms(plain, { ...config, url, data }), stack, (call) => post(url, data, call)),
      data,
    );
  return {
    ...{ get: bare('get'), delete: bare('delete'), head: bare('head'), options: bare('options') },
    ...{ post: full('post'), put: full('put'), patch: full('patch'), query: full('query') },
    ...{ postForm: form(plain.postForm), putForm: form(plain.putForm), patchForm: form(plain.patchForm) },
  };
}

/** Rejects a call with CR or LF in a header: axios would silently remove them, but they are never intended. */
function refuseLineBreaks(call: AxiosRequestConfig): Promise<never> | undefined {
  const headers = ownValue(call, 'headers') as Record<string, unknown> | undefined;
  for (const name of Object.keys(headers ?? {})) {
    const value = headers?.[name];
    if (!/[\r\n]/.test(name) && !(Array.isArray(value) ? value : [value]).some(hasLineBreak)) continue;
    const message = `${JSON.stringify(name)} contains a line break; remove it`;
    const faults = [{ path: 'headers', message }];
    const why = `Bad call option headers: ${message}.`;
    return Promise.reject(new PillionError(ErrorCode.CONFIG, why, undefined, { faults }));
  }
  return undefined;
}

function hasLineBreak(value: unknown): boolean {
  return typeof value === 'string' && /[\r\n]/.test(value);
}

/** Defaults that only browsers read, or whose absence means the same to axios. */
const idle: Readonly<Record<string, unknown>> = {
  timeout: 0,
  maxBodyLength: -1,
  xsrfCookieName: 'XSRF-TOKEN',
  xsrfHeaderName: 'X-XSRF-TOKEN',
  transitional: standardTransitional,
  env: forms,
};

/** The names of axios's header buckets: `delete`, `get`, `head`, … */
const methods = Object.keys(axios.defaults.headers).filter((name) => name !== 'common');

/**
 * Hides a default that still has axios's value from merging, until user code reads or sets it, so that
 * `client.defaults.headers.post['X-A'] = 'b'` and `client.defaults.transitional.silentJSONParsing = false` work as
 * usual.
 */
function onDemand(holder: object, name: string, standard: unknown): void {
  const value = ownValue(holder, name) ?? copyOf(standard);
  if (!isSame(value, standard)) return;
  const get = () => {
    settle(holder, name, value);
    return value;
  };
  const set = (next: unknown) => settle(holder, name, next);
  Object.defineProperty(holder, name, own({ get, set, enumerable: false, configurable: true }));
}

/** Makes an ordinary property of one that had a getter. */
function settle(holder: object, name: string, value: unknown): void {
  Object.defineProperty(holder, name, own({ value, writable: true, enumerable: true, configurable: true }));
}

/** Without a prototype, because a polluted one could turn it into another kind of property. */
function own(descriptor: PropertyDescriptor): PropertyDescriptor {
  return Object.assign(Object.create(null), descriptor) as PropertyDescriptor;
}

function copyOf(value: unknown): unknown {
  return typeof value === 'object' ? { ...value } : value;
}

function isSame(value: unknown, standard: unknown): boolean {
  if (typeof value !== 'object' || typeof standard !== 'object' || value === null || standard === null)
    return value === standard;
  const [left, right] = [value, standard] as Record<string, unknown>[];
  return Object.keys({ ...left, ...right }).every((key) => left?.[key] === right?.[key]);
}

/**
 * Applies the axios options of a configuration to the instance's defaults, and undoes those of the previous
 * configuration.
 */
export class ConfiguredDefaults {
  readonly #defaults: UsualDefaults;
  /** Default headers that the configuration has replaced, with their former values; undefined where there was none. */
  #covered: Record<string, unknown> = {};

  constructor(defaults: UsualDefaults, config: Config) {
    this.#defaults = defaults;
    this.apply(config);
  }

  apply({ baseURL, headers, maxRedirects, proxy, allowAbsoluteUrls }: Config): void {
    this.#defaults.change((defaults) => {
      Object.assign(defaults, { baseURL, maxRedirects, allowAbsoluteUrls, proxy: proxy === 'env' ? undefined : false });
      for (const [name, value] of Object.entries(this.#covered)) {
        if (value === undefined) delete defaults.headers[name];
        else Object.assign(defaults.headers, { [name]: value });
      }
      this.#covered = Object.fromEntries(Object.keys(headers).map((name) => [name, defaults.headers[name]]));
      Object.assign(defaults.headers, headers);
    });
  }
}
