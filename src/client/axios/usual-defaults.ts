/** The defaults of an instance as usual calls take them: merged once, not for each call. */
import axios, { type AxiosAdapter, AxiosHeaders, type AxiosInstance } from 'axios';
import { copyHeaders, nameIn } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { Own } from '../../call/own.js';
import { standardTransitional } from '../../call/transitional.js';

type Defaults = AxiosInstance['defaults'];
export type Loose = Record<string, unknown>;
/** By this name, since the class itself is no type in axios's declarations for CommonJS. */
export type CallHeaders = Request['headers'];

/** Defaults that a usual call can have; any other default sends the call through axios. */
const plainDefaults = new Set([
  ...['adapter', 'headers', 'baseURL', 'maxRedirects', 'allowAbsoluteUrls', 'proxy', 'validateStatus', 'timeout'],
  ...['transformRequest', 'transformResponse', 'maxContentLength', 'maxBodyLength', 'responseType', 'decompress'],
]);

/** Declares the keys of every call from the start, so that all configs keep one hidden class in V8. */
export class UsualConfig extends Own {
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

/** What the defaults come to; undefined where only axios's own merge is correct. */
interface Merged {
  readonly options: UsualConfig | undefined;
  /** By the method of the call, in lower case. */
  readonly headers: Map<string, CallHeaders | undefined>;
}

/**
 * The defaults of an instance. To list and read them takes a fifth of a call without policies, as axios makes them objects that V8
 * keeps as dictionaries. So they are merged once, until code of the user's has had them and may change them at any time.
 */
export class UsualDefaults {
  readonly #defaults: Defaults;
  readonly #adapter: AxiosAdapter;
  #merged: Merged | undefined;
  #isShared = false;

  /** A call is usual where `adapter` is what it goes to. */
  constructor(defaults: Defaults, adapter: AxiosAdapter) {
    this.#defaults = defaults;
    this.#adapter = adapter;
  }

  /** For code of the user's: from now on each call merges them anew. */
  share(): Defaults {
    this.#isShared = true;
    return this.#defaults;
  }

  /** For this library, which changes them with `change` only. */
  get own(): Readonly<Defaults> {
    return this.#defaults;
  }

  change(apply: (defaults: Defaults) => void): void {
    apply(this.#defaults);
    this.#merged = undefined;
  }

  /** A config for one call; undefined where only axios's own merge is correct. */
  config(): UsualConfig | undefined {
    if (this.#isShared) return optionsOf(this.#defaults, this.#adapter);
    const { options } = this.#kept();
    return options && Object.assign(new UsualConfig(), options);
  }

  /** Headers for one call with this method in lower case; undefined where only axios's own merge is correct. */
  headers(method: string): CallHeaders | undefined {
    const standing = this.#defaults.headers as Loose;
    if (this.#isShared || !buckets.has(method)) return headersOf(standing, method);
    const { headers } = this.#kept();
    if (!headers.has(method)) headers.set(method, headersOf(standing, method));
    const merged = headers.get(method);
    return merged && copyHeaders(merged);
  }

  #kept(): Merged {
    this.#merged ??= { options: optionsOf(this.#defaults, this.#adapter), headers: new Map() };
    return this.#merged;
  }
}

function optionsOf(defaults: Defaults, adapter: AxiosAdapter): UsualConfig | undefined {
  const options = new UsualConfig() as UsualConfig & Loose;
  for (const key of Object.keys(defaults)) {
    if (!plainDefaults.has(key)) return undefined;
    options[key] = defaults[key as keyof Defaults];
  }
  options.headers = undefined;
  const { transformRequest, transformResponse } = options;
  const isUsual =
    isObject(defaults.headers) &&
    options.adapter === adapter &&
    isOnly(transformRequest, standardRequest) &&
    isOnly(transformResponse, standardResponse);
  return isUsual ? options : undefined;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isOnly(list: unknown, only: unknown): boolean {
  return Array.isArray(list) && list.length === 1 && list[0] === only;
}

/** Merges the default headers for all methods, for this method and of the instance. */
function headersOf(defaults: Loose, method: string): CallHeaders | undefined {
  const headers = new AxiosHeaders();
  const common = bucketOf(defaults, 'common');
  const bucket = bucketOf(defaults, method);
  if (common !== undefined && !putAll(headers, common)) return undefined;
  if (bucket !== undefined && !putAll(headers, bucket)) return undefined;
  for (const name of Object.keys(defaults)) {
    if (buckets.has(name) && typeof defaults[name] === 'object') continue;
    if (!put(headers, name, defaults[name])) return undefined;
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

function putAll(headers: CallHeaders, more: Loose): boolean {
  for (const name of Object.keys(more)) if (!put(headers, name, more[name])) return false;
  return true;
}

/** Header names that AxiosHeaders accepts unchanged, and values that it would change. */
const plainName = /^[\w!#$%&'*+.^`|~-]+$/;
const oddValue = /^[\t ]|[\t ]$|[^\t\x20-\uffff]|\x7f/;

/** Adds a header; false for one that only axios itself reads correctly. */
export function put(headers: CallHeaders, name: string, value: unknown): boolean {
  if (value === undefined) {
    // Keeps the name without a value, as axios does for `Content-Type` among its defaults.
    if (!Object.hasOwn(headers, name)) headers[name] = undefined as never;
    return true;
  }
  if (typeof value !== 'string' || oddValue.test(value) || !plainName.test(name) || name === '__proto__') return false;
  headers[nameIn(headers, name) ?? name] = value;
  return true;
}
