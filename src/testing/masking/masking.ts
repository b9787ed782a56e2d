/** Masks secrets in fixtures and in the messages of assertions. */
import { isPlain } from '../../call/own.js';
import { maskCookies, maskCredentials, maskTexts } from './mask-text.js';
import { type NamePlace, plainName, tellsOfSecret } from './secret-names.js';

/** Values to mask in addition to those that are always masked, and exceptions. */
export interface MaskOptions {
  /** Names of headers to mask, in any case. */
  headers?: readonly string[];
  /**
   * Names of query parameters, JSON fields (at any depth) and form fields to mask; a string ignores case and
   * separators.
   */
  fields?: readonly (string | RegExp)[];
  /**
   * Names that are not masked although they sound like secrets, such as `page_token`; case and separators are ignored.
   */
  keep?: readonly string[];
  /** Applied last to every text: paths, values of parameters and headers, texts in bodies. */
  text?: (text: string) => string;
}

/** The text that replaces a secret. */
export const masked = '***';

/**
 * Masks values by their names; recorded and replayed requests use the same rules, so that masked values compare equal.
 */
export class Mask {
  readonly #headers: ReadonlySet<string>;
  readonly #fields: readonly (string | RegExp)[];
  readonly #keep: ReadonlySet<string>;
  readonly #text: (text: string) => string;
  /** Secrets that were found by their name, so that `scrub` finds them in other places. */
  readonly #known = new Set<string>();

  constructor({ headers = [], fields = [], keep = [], text = (each) => each }: MaskOptions = {}) {
    this.#headers = new Set(headers.map((name) => name.toLowerCase()));
    this.#fields = fields.map((field) => (typeof field === 'string' ? plainName(field) : field));
    this.#keep = new Set(keep.map(plainName));
    this.#text = text;
  }

  /** Masks headers; names become lower case and are sorted. */
  headers<Value extends string | string[]>(headers: Readonly<Record<string, Value>>): Record<string, Value> {
    const entries = Object.entries(headers).map(([name, value]): [string, Value] => {
      const mask = (each: string) => this.header(name, each);
      return [name.toLowerCase(), (Array.isArray(value) ? value.map(mask) : mask(value)) as Value];
    });
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Masks a header's value, except for schemes of credentials and names of cookies. */
  header(name: string, value: string): string {
    const lower = name.toLowerCase();
    if (lower === 'set-cookie') return maskCookies(value, (secret) => this.#secret(secret));
    if (!this.#headers.has(lower) && !this.tells(lower, 'header')) return this.text(value);
    return maskCredentials(value, (secret) => this.#secret(secret));
  }

  /** Masks a URL and removes its credentials and fragment. */
  url(href: string): string {
    const { origin, pathname, search } = new URL(href);
    const query = search === '' ? '' : `?${this.form(search.slice(1))}`;
    return origin + this.text(pathname) + query;
  }

  /** Masks the values of a form or query; the order of pairs is kept. */
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

  /** Masks parsed JSON by names of fields, at any depth; the types of values are kept. */
  json(value: unknown, isSecret = false): unknown {
    if (typeof value === 'string') return isSecret ? this.#secret(value) : this.text(value);
    if (typeof value === 'number' && isSecret) return 0;
    if (Array.isArray(value)) return value.map((each) => this.json(each, isSecret));
    // Regular expressions and matchers of an assertion are not data.
    if (!isPlain(value)) return value;
    const entries = Object.entries(value).map(([name, inner]) => [
      name,
      this.json(inner, isSecret || this.tells(name, 'field')),
    ]);
    return Object.fromEntries(entries);
  }

  /** Masks secrets inside a text of any kind. */
  text(text: string): string {
    const tells = (name: string) => this.tells(name, 'parameter');
    return this.#text(maskTexts(text, tells, (secret) => this.#secret(secret)));
  }

  /** Masks the secrets found so far by their names wherever else they appear in `value`. */
  scrub<T>(value: T): T {
    const known = [...this.#known].sort((a, b) => b.length - a.length);
    return (known.length === 0 ? value : scrubbed(value, known)) as T;
  }

  #secret(value: string): string {
    if (value === '' || value === masked) return value;
    if (isDistinct(value)) for (const form of formsOf(value)) this.#known.add(form);
    return masked;
  }

  /** True if a value with this name is masked. */
  tells(name: string, place: NamePlace): boolean {
    const plain = plainName(name);
    if (this.#keep.has(plain)) return false;
    const named = this.#fields.some((field) => (typeof field === 'string' ? field === plain : name.search(field) >= 0));
    return (named && place !== 'header') || tellsOfSecret(name, place);
  }
}

/** True for a value that is too long or unusual to be an ordinary word; `scrub` masks only such values. */
function isDistinct(value: string): boolean {
  return value.length >= 16 || (value.length >= 8 && /[^A-Za-z ]/.test(value));
}

/** The forms of a value in a path, a query and a form. */
function formsOf(value: string): string[] {
  return [value, encoded(value), new URLSearchParams({ v: value }).toString().slice(2)];
}

function scrubbed(value: unknown, known: readonly string[]): unknown {
  if (typeof value === 'string') return known.reduce((text, secret) => text.replaceAll(secret, masked), value);
  if (Array.isArray(value)) return value.map((each) => scrubbed(each, known));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, scrubbed(inner, known)]));
}

/** A text with a lone surrogate cannot be encoded and is returned as it is. */
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
