/** The config of a usual call as axios would merge it from the instance's defaults and the call's own options. */
import axios, { AxiosHeaders, type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { nameIn } from './headers.js';
import type { Request } from './policy.js';

/** Options that a call may set on this way: the call's own simply goes before the default. */
const simple = new Set([
  ...['url', 'method', 'baseURL', 'data', 'headers', 'params', 'timeout', 'signal', 'cancelToken', 'auth'],
  ...['responseType', 'responseEncoding', 'maxContentLength', 'maxBodyLength', 'decompress', 'maxRedirects'],
  ...['allowAbsoluteUrls', 'onUploadProgress', 'onDownloadProgress', 'beforeRedirect', 'parseReviver'],
  ...['validateStatus', 'idempotencyKey', 'retry', 'routeName', 'timeouts', 'hashKey'],
]);

/** Defaults that are as good as not there, or that are read straight off. */
const plainDefaults = new Set([
  ...['adapter', 'headers', 'baseURL', 'maxRedirects', 'allowAbsoluteUrls', 'proxy', 'validateStatus', 'timeout'],
  ...['transformRequest', 'transformResponse', 'maxContentLength', 'maxBodyLength', 'responseType', 'decompress'],
]);

type Defaults = AxiosInstance['defaults'];
type Loose = Record<string, unknown>;

/** The config of a call as axios would merge it; undefined where axios has to do it. */
export function frontConfig(defaults: Defaults, call: AxiosRequestConfig): Request | undefined {
  if (isPolluted()) return undefined;
  const { method = 'get' } = call;
  const keys = Object.keys(call);
  if (typeof method !== 'string' || !keys.every(isSimple) || Object.getOwnPropertySymbols(call).length > 0)
    return undefined;
  const config = usual(defaults, method.toLowerCase());
  for (const key in defaults) {
    if (!plainDefaults.has(key)) return undefined;
    config[key] = defaults[key as keyof Defaults];
  }
  for (const key of keys) {
    const value = (call as Loose)[key];
    if (value !== undefined) config[key] = value;
    else if (key === 'validateStatus') return undefined;
  }
  config.method = method.toLowerCase();
  const headers = headersOf(defaults.headers as Loose, config.method as string, call.headers as Loose | undefined);
  if (headers === undefined || typeof config.adapter !== 'function' || !hasStandardTransforms(config)) return undefined;
  config.headers = headers;
  return config as unknown as Request;
}

/** What somebody has put on `Object.prototype` shall set no option: axios takes care of that. */
function isPolluted(): boolean {
  for (const _ in {}) return true;
  return false;
}

function isSimple(key: string): boolean {
  return simple.has(key);
}

/** A literal with the keys that every call has stays an object that V8 knows the shape of. */
function usual({ baseURL, allowAbsoluteUrls = true }: Defaults, method: string): Loose {
  return {
    url: undefined,
    method,
    baseURL,
    headers: undefined,
    data: undefined,
    allowAbsoluteUrls,
    transformRequest: undefined,
    transformResponse: undefined,
    adapter: undefined,
    validateStatus: undefined,
    maxRedirects: undefined,
    proxy: undefined,
  };
}

/** What axios itself makes of bodies. */
export const [standardRequest] = [axios.defaults.transformRequest].flat();
export const [standardResponse] = [axios.defaults.transformResponse].flat();

function hasStandardTransforms({ transformRequest, transformResponse }: Loose): boolean {
  return isOnly(transformRequest, standardRequest) && isOnly(transformResponse, standardResponse);
}

function isOnly(list: unknown, only: unknown): boolean {
  return Array.isArray(list) && list.length === 1 && list[0] === only;
}

/** Defaults for all methods, for this one, for the instance, then the call's own; undefined for values that are not plain. */
function headersOf(defaults: Loose, method: string, own: Loose | undefined): AxiosHeaders | undefined {
  const headers = new AxiosHeaders();
  const { common, [method]: bucket } = defaults as Record<string, Loose | undefined>;
  if (common !== undefined && !putAll(headers, common)) return undefined;
  if (bucket !== undefined && !putAll(headers, bucket)) return undefined;
  for (const name of Object.keys(defaults)) {
    if (name === 'common' || name === method) continue;
    if (!put(headers, name, defaults[name])) return undefined;
  }
  if (own !== undefined && (own === null || own instanceof AxiosHeaders)) return undefined;
  for (const name of Object.keys(own ?? {})) {
    const value = own?.[name];
    if (value === undefined || !put(headers, name, value)) return undefined;
  }
  return headers;
}

function putAll(headers: AxiosHeaders, more: Loose): boolean {
  for (const name of Object.keys(more)) if (!put(headers, name, more[name])) return false;
  return true;
}

/** Header names and values that AxiosHeaders would take as they are. */
const plainName = /^[\w!#$%&'*+.^`|~-]+$/;
const oddValue = /^[\t ]|[\t ]$|[^\t\x20-\uffff]|\x7f/;

function put(headers: AxiosHeaders, name: string, value: unknown): boolean {
  if (value === undefined) {
    // As axios has `Content-Type` among its defaults: no value, but a place.
    headers[name] ??= undefined as never;
    return true;
  }
  if (typeof value !== 'string' || oddValue.test(value) || !plainName.test(name) || name === '__proto__') return false;
  headers[nameIn(headers, name) ?? name] = value;
  return true;
}
