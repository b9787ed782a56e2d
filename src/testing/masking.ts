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
  /pass(word|wd|phrase|code)|secret|token|apikey|accesskey|privatekey|authorization|credential|cookie|signature|session|jwt|otp|pin$|^(sig|auth|pwd)$|cvv|cvc|ssn|cardnumber|iban/;
/** In a URL or a form; in JSON these are mostly harmless. */
const tellingParameter = /^(key|code)$/;
/** Fields whose numbers are secret too; those of `total_tokens` are not. */
const tellingNumber = /passcode|otp|pin$|cvv|cvc|ssn|cardnumber/;

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
      if (!this.#tells(name, tellingParameter)) continue;
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
    const pairs = [...new URLSearchParams(text)].map(([name, value]) => [
      name,
      this.#tells(name, tellingParameter) ? masked : value,
    ]);
    return this.#text(new URLSearchParams(pairs as [string, string][]).toString());
  }

  /** `within`: the name of a field that tells of a secret, and this is somewhere in its value. */
  #value(value: unknown, within?: string): unknown {
    if (typeof value === 'string') return within === undefined ? this.#text(value) : masked;
    if (typeof value === 'number' && within !== undefined) return tellingNumber.test(plain(within)) ? masked : value;
    if (Array.isArray(value)) return value.map((each) => this.#value(each, within));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([name, inner]) => [
      name,
      this.#value(inner, this.#tells(name) ? name : within),
    ]);
    return Object.fromEntries(entries);
  }

  #tells(name: string, further?: RegExp): boolean {
    if (telling.test(plain(name)) || further?.test(plain(name))) return true;
    return this.#fields.some((field) =>
      typeof field === 'string' ? field.toLowerCase() === name.toLowerCase() : field.test(name),
    );
  }
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, '');
}
