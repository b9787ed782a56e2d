/** Merges the instance's defaults and a call's own options, as axios does, for calls without unusual options. */
import axios, { AxiosHeaders, type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { nameIn } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { Own } from '../../call/own.js';
import { markOwnHeaders } from '../../call/record.js';
import { standardTransitional } from '../../call/transitional.js';

/** Options for which axios's merge is plain: the call's own value overrides the default. */
const simple = new Set([
  ...['url', 'method', 'baseURL', 'data', 'headers', 'params', 'timeout', 'signal', 'cancelToken', 'auth'],
  ...['responseType', 'responseEncoding', 'maxContentLength', 'maxBodyLength', 'decompress', 'maxRedirects'],
  ...['allowAbsoluteUrls', 'onUploadProgress', 'onDownloadProgress', 'beforeRedirect', 'parseReviver'],
  ...['validateStatus', 'idempotencyKey', 'retry', 'routeName', 'timeouts', 'hashKey'],
]);

/** Defaults that this merge handles; any other default sends the call through axios. */
const plainDefaults = new Set([
  ...['adapter', 'headers', 'baseURL', 'maxRedirects', 'allowAbsoluteUrls', 'proxy', 'validateStatus', 'timeout'],
  ...['transformRequest', 'transformResponse', 'maxContentLength', 'maxBodyLength', 'responseType', 'decompress'],
]);

type Defaults = AxiosInstance['defaults'];
type Loose = Record<string, unknown>;

/** The merged config of a call; undefined where only axios's own merge is correct. */
export function frontConfig(defaults: Defaults, call: AxiosRequestConfig): Request | undefined {
  const keys = Object.keys(call);
  if (!keys.every(isSimple) || Object.getOwnPropertySymbols(call).length > 0) return undefined;
  const config = new FrontConfig() as FrontConfig & Loose;
  for (const key of Object.keys(defaults)) {
    if (!plainDefaults.has(key)) return undefined;
    config[key] = defaults[key as keyof Defaults];
  }
  config.headers = undefined;
  for (const key of keys) {
    const value = (call as Loose)[key];
    if (value !== undefined) config[key] = value;
    else if (key === 'validateStatus') return undefined;
  }
  const { method = 'get' } = config;
  if (typeof method !== 'string' || typeof config.adapter !== 'function' || !hasStandardTransforms(config))
    return undefined;
  config.method = method.toLowerCase();
  markOwnHeaders(config, config.headers ? Object.keys(config.headers) : none);
  config.headers = headersOf(defaults.headers as Loose, config.method, config.headers as Loose | undefined);
  return config.headers === undefined ? undefined : (config as unknown as Request);
}

const none: readonly string[] = [];

function isSimple(key: string): boolean {
  return simple.has(key);
}

/** Declares the keys of every call from the start, so that all configs keep one hidden class in V8. */
class FrontConfig extends Own {
  url: unknown = undefined;
  method: string | undefined = undefined;
  baseURL: unknown = undefined;
  headers: unknown = undefined;
  data: unknown = undefined;
  allowAbsoluteUrls: unknown = true;
  transitional: unknown = standardTransitional;
  transformRequest: unknown = undefined;
  transformResponse: unknown = undefined;
  adapter: unknown = undefined;
  validateStatus: unknown = undefined;
  maxRedirects: unknown = undefined;
  proxy: unknown = undefined;
}

/** axios's own transforms of request and response bodies. */
export const [standardRequest] = [axios.defaults.transformRequest].flat();
export const [standardResponse] = [axios.defaults.transformResponse].flat();

function hasStandardTransforms({ transformRequest, transformResponse }: Loose): boolean {
  return isOnly(transformRequest, standardRequest) && isOnly(transformResponse, standardResponse);
}

function isOnly(list: unknown, only: unknown): boolean {
  return Array.isArray(list) && list.length === 1 && list[0] === only;
}

/**
 * Merges the default headers for all methods, for this method and of the instance, then the call's own; undefined for
 * unusual values.
 */
function headersOf(defaults: Loose, method: string, own: Loose | undefined): AxiosHeaders | undefined {
  const headers = new AxiosHeaders();
  const common = bucketOf(defaults, 'common');
  const bucket = bucketOf(defaults, method);
  if (common !== undefined && !putAll(headers, common)) return undefined;
  if (bucket !== undefined && !putAll(headers, bucket)) return undefined;
  for (const name of Object.keys(defaults)) {
    if (buckets.has(name) && typeof defaults[name] === 'object') continue;
    if (!put(headers, name, defaults[name])) return undefined;
  }
  if (own !== undefined && (own === null || own instanceof AxiosHeaders)) return undefined;
  for (const name of Object.keys(own ?? {})) {
    const value = own?.[name];
    if (value === undefined || !put(headers, name, value)) return undefined;
  }
  return headers;
}

/** The keys of `defaults.headers` that hold headers for one method, or for all (`common`). */
const buckets = new Set(Object.keys(axios.defaults.headers));

/**
 * Reads a bucket only if it is enumerable: an unused one is an empty getter (see `onDemand`), and reading it would make
 * it permanent.
 */
function bucketOf(defaults: Loose, name: string): Loose | undefined {
  const bucket = isEnumerable.call(defaults, name) ? defaults[name] : undefined;
  return typeof bucket === 'object' ? (bucket as Loose) : undefined;
}

const isEnumerable = Object.prototype.propertyIsEnumerable;

function putAll(headers: AxiosHeaders, more: Loose): boolean {
  for (const name of Object.keys(more)) if (!put(headers, name, more[name])) return false;
  return true;
}

/** Header names that AxiosHeaders accepts unchanged, and values that it would change. */
const plainName = /^[\w!#$%&'*+.^`|~-]+$/;
const oddValue = /^[\t ]|[\t ]$|[^\t\x20-\uffff]|\x7f/;

function put(headers: AxiosHeaders, name: string, value: unknown): boolean {
  if (value === undefined) {
    // Keeps the name without a value, as axios does for `Content-Type` among its defaults.
    if (!Object.hasOwn(headers, name)) headers[name] = undefined as never;
    return true;
  }
  if (typeof value !== 'string' || oddValue.test(value) || !plainName.test(name) || name === '__proto__') return false;
  headers[nameIn(headers, name) ?? name] = value;
  return true;
}
