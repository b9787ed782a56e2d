/** Merges the instance's defaults and a call's own options, as axios does, for calls without unusual options. */
import { AxiosHeaders, type AxiosRequestConfig } from 'axios';
import type { Request } from '../../call/message.js';
import { markOwnHeaders } from '../../call/record.js';
import { type CallHeaders, type Loose, put, type UsualConfig, type UsualDefaults } from './usual-defaults.js';

/** Options for which axios's merge is plain: the call's own value overrides the default. */
const simple = new Set([
  ...['url', 'method', 'baseURL', 'data', 'headers', 'params', 'timeout', 'signal', 'cancelToken', 'auth'],
  ...['responseType', 'responseEncoding', 'maxContentLength', 'maxBodyLength', 'decompress', 'maxRedirects'],
  ...['allowAbsoluteUrls', 'onUploadProgress', 'onDownloadProgress', 'beforeRedirect'],
  ...['validateStatus', 'idempotencyKey', 'retry', 'routeName', 'timeouts', 'hashKey'],
]);

/** The merged config of a call; undefined where only axios's own merge is correct. */
export function frontConfig(defaults: UsualDefaults, call: AxiosRequestConfig): Request | undefined {
  const keys = Object.keys(call);
  if (!keys.every(isSimple) || Object.getOwnPropertySymbols(call).length > 0) return undefined;
  const config = defaults.config() as (UsualConfig & Loose) | undefined;
  if (config === undefined) return undefined;
  for (const key of keys) {
    const value = (call as Loose)[key];
    if (value !== undefined) config[key] = value;
    else if (key === 'validateStatus') return undefined;
  }
  const { method = 'get' } = config;
  if (typeof method !== 'string') return undefined;
  config.method = method.toLowerCase();
  markOwnHeaders(config, config.headers ? Object.keys(config.headers) : none);
  config.headers = headersOf(defaults, config.method, config.headers as Loose | undefined);
  return config.headers === undefined ? undefined : (config as unknown as Request);
}

const none: readonly string[] = [];

function isSimple(key: string): boolean {
  return simple.has(key);
}

/** The default headers and the call's own; undefined for unusual values. */
function headersOf(defaults: UsualDefaults, method: string, own: Loose | undefined): CallHeaders | undefined {
  const headers = defaults.headers(method);
  if (headers === undefined || (own !== undefined && (own === null || own instanceof AxiosHeaders))) return undefined;
  for (const name of Object.keys(own ?? none)) {
    const value = own?.[name];
    if (value === undefined || !put(headers, name, value)) return undefined;
  }
  return headers;
}
