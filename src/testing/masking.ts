/** Takes secrets out of what is written into fixtures. */

/** What is masked beyond what always is. */
export interface MaskOptions {
  /** Names of headers, in any case. */
  headers?: readonly string[];
  /** Names of query parameters and of fields in JSON and forms, at any depth. */
  fields?: readonly (string | RegExp)[];
  /** The last word on every text: URLs, header values, texts in bodies. */
  text?: (text: string) => string;
}

export const masked = '***';

/** In names of headers, query parameters and fields; separators do not count. */
const telling =
  /pass(word|wd|phrase|code)|secret|token|apikey|accesskey|privatekey|authorization|credential|cookie|signature|session|jwt|otp|pin$|^(sig|auth|pwd|key|code)$|cvv|cvc|ssn|cardnumber|iban/;

/** Masks by name; one set of rules for what is written and for what is compared with it. */
export class Mask {
  readonly #headers: ReadonlySet<string>;
  readonly #fields: readonly (string | RegExp)[];
  readonly #text: (text: string) => string;

  constructor({ headers = [], fields = [], text = (each) => each }: MaskOptions = {}) {
    this.#headers = new Set(headers.map((name) => name.toLowerCase()));
    this.#fields = fields;
    this.#text = text;
  }

  headers(headers: Readonly<Record<string, string>>): Record<string, string> {
    const entries = Object.entries(headers).map(([name, value]) => {
      const lower = name.toLowerCase();
      return [lower, this.#headers.has(lower) || this.#tells(lower) ? masked : this.#text(value)];
    });
    return Object.fromEntries(entries.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
  }

  /** Path and query; credentials and fragment are not among them. */
  path(href: string): string {
    const url = new URL(href);
    for (const name of new Set(url.searchParams.keys())) {
      if (!this.#tells(name)) continue;
      const count = url.searchParams.getAll(name).length;
      url.searchParams.delete(name);
      for (let i = 0; i < count; i++) url.searchParams.append(name, masked);
    }
    return this.#text(url.pathname + url.search);
  }

  /** JSON as it was parsed, a form, or another text. */
  body(body: unknown, contentType: string): unknown {
    if (typeof body === 'string' && contentType.includes('x-www-form-urlencoded')) return this.#form(body);
    return this.#value(body);
  }

  #form(text: string): string {
    const pairs = [...new URLSearchParams(text)].map(([name, value]) => [name, this.#tells(name) ? masked : value]);
    return this.#text(new URLSearchParams(pairs as [string, string][]).toString());
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (Array.isArray(value)) return value.map((each) => this.#value(each));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([name, inner]) => [
      name,
      this.#tells(name) ? masked : this.#value(inner),
    ]);
    return Object.fromEntries(entries);
  }

  #tells(name: string): boolean {
    if (telling.test(name.toLowerCase().replace(/[^a-z\d]/g, ''))) return true;
    return this.#fields.some((field) =>
      typeof field === 'string' ? field.toLowerCase() === name.toLowerCase() : field.test(name),
    );
  }
}
