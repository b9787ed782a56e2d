/** Takes secrets out of what is written into fixtures and shown by assertions. */
import { isPlain } from './differences.js';
import { maskCookies, maskCredentials, maskTexts } from './mask-text.js';
import { type NamePlace, plainName, tellsOfSecret } from './secret-names.js';

/** What is masked beyond what always is. */
export interface MaskOptions {
  /** Names of headers, in any case. */
  headers?: readonly string[];
  /** Names of query parameters and of fields in JSON and forms, at any depth; of texts case and separators do not count. */
  fields?: readonly (string | RegExp)[];
  /** Names that sound like secrets and are none, such as `page_token`; case and separators do not count. */
  keep?: readonly string[];
  /** The last word on every text: paths, values of parameters and headers, texts in bodies. */
  text?: (text: string) => string;
}

/** What stands where a secret was. */
export const masked = '***';

/** Masks by name; one set of rules for what is written and for what is compared with it. */
export class Mask {
  readonly #headers: ReadonlySet<string>;
  readonly #fields: readonly (string | RegExp)[];
  readonly #keep: ReadonlySet<string>;
  readonly #text: (text: string) => string;
  /** Secrets that were met under a name, to be found again where none stands. */
  readonly #known = new Set<string>();

  constructor({ headers = [], fields = [], keep = [], text = (each) => each }: MaskOptions = {}) {
    this.#headers = new Set(headers.map((name) => name.toLowerCase()));
    this.#fields = fields.map((field) => (typeof field === 'string' ? plainName(field) : field));
    this.#keep = new Set(keep.map(plainName));
    this.#text = text;
  }

  /** Names in lower case and in their order. */
  headers<Value extends string | string[]>(headers: Readonly<Record<string, Value>>): Record<string, Value> {
    const entries = Object.entries(headers).map(([name, value]): [string, Value] => {
      const mask = (each: string) => this.header(name, each);
      return [name.toLowerCase(), (Array.isArray(value) ? value.map(mask) : mask(value)) as Value];
    });
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A header's value: schemes of credentials and names of cookies stay. */
  header(name: string, value: string): string {
    const lower = name.toLowerCase();
    if (lower === 'set-cookie') return maskCookies(value, (secret) => this.#secret(secret));
    if (!this.#headers.has(lower) && !this.tells(lower, 'header')) return this.text(value);
    return maskCredentials(value, (secret) => this.#secret(secret));
  }

  /** Origin, path and query; credentials and fragment go. */
  url(href: string): string {
    const { origin, pathname, search } = new URL(href);
    const query = search === '' ? '' : `?${this.form(search.slice(1))}`;
    return origin + this.text(pathname) + query;
  }

  /** The pairs of a form or a query, in their order. */
  form(text: string): string {
    return text
      .split('&')
      .map((pair) => {
        const equals = pair.indexOf('=');
        if (equals < 0) return this.text(pair);
        const raw = pair.slice(equals + 1);
        const value = decoded(raw);
        const shown = this.tells(decoded(pair.slice(0, equals)), 'parameter') ? this.#secret(value) : this.text(value);
        return pair.slice(0, equals + 1) + (shown === value ? raw : encoded(shown));
      })
      .join('&');
  }

  /** JSON as it was parsed: fields by their names, at any depth; kinds of values stay. */
  json(value: unknown, isSecret = false): unknown {
    if (typeof value === 'string') return isSecret ? this.#secret(value) : this.text(value);
    if (typeof value === 'number' && isSecret) return 0;
    if (Array.isArray(value)) return value.map((each) => this.json(each, isSecret));
    // A pattern or a matcher of an assertion is no data.
    if (!isPlain(value)) return value;
    const entries = Object.entries(value).map(([name, inner]) => [
      name,
      this.json(inner, isSecret || this.tells(name, 'field')),
    ]);
    return Object.fromEntries(entries);
  }

  /** A text that may hold anything: what names itself as a secret in it. */
  text(text: string): string {
    const tells = (name: string) => this.tells(name, 'parameter');
    return this.#text(maskTexts(text, tells, (secret) => this.#secret(secret)));
  }

  /** Secrets that were met under a name by now, wherever else they stand. */
  scrub<T>(value: T): T {
    const known = [...this.#known].sort((a, b) => b.length - a.length);
    return (known.length === 0 ? value : scrubbed(value, known)) as T;
  }

  #secret(value: string): string {
    if (value === '' || value === masked) return value;
    if (isDistinct(value)) for (const form of formsOf(value)) this.#known.add(form);
    return masked;
  }

  /** True where a value of this name is masked. */
  tells(name: string, place: NamePlace): boolean {
    const plain = plainName(name);
    if (this.#keep.has(plain)) return false;
    const named = this.#fields.some((field) => (typeof field === 'string' ? field === plain : name.search(field) >= 0));
    return (named && place !== 'header') || tellsOfSecret(name, place);
  }
}

/** Long and odd enough that it is no word of the language: only that is looked for everywhere. */
function isDistinct(value: string): boolean {
  return value.length >= 16 || (value.length >= 8 && /[^A-Za-z ]/.test(value));
}

/** As it may stand in a path, a query, a form. */
function formsOf(value: string): string[] {
  return [value, encoded(value), new URLSearchParams({ v: value }).toString().slice(2)];
}

function scrubbed(value: unknown, known: readonly string[]): unknown {
  if (typeof value === 'string') return known.reduce((text, secret) => text.replaceAll(secret, masked), value);
  if (Array.isArray(value)) return value.map((each) => scrubbed(each, known));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, scrubbed(inner, known)]));
}

/** A lone surrogate cannot be encoded. */
function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
