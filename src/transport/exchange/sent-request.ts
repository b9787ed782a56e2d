/** `response.request`, with the properties of Node's ClientRequest that callers read. */
import type { Target } from '../../call/url.js';

export class SentRequest {
  readonly method: string;
  /** True where the connection had carried a request before. */
  readonly reusedSocket: boolean;
  readonly #target: Target;
  readonly #headers: readonly string[];

  constructor(target: Target, method: string, headers: readonly string[], reusedSocket: boolean) {
    this.#target = target;
    this.#headers = headers;
    this.method = method;
    this.reusedSocket = reusedSocket;
  }

  get protocol(): string {
    return this.#target.origin.slice(0, this.#target.origin.indexOf(':') + 1);
  }

  /** The host name, without its port. */
  get host(): string {
    return new URL(this.#target.href).hostname;
  }

  /** Path and query. */
  get path(): string {
    return this.#target.path;
  }

  get origin(): string {
    return this.#target.origin;
  }

  get res(): { responseUrl: string } {
    return { responseUrl: withoutCredentials(this.#target.href) };
  }

  get agent(): { protocol: string } {
    return { protocol: this.protocol };
  }

  getHeader(name: string): string | string[] | undefined {
    return this.getHeaders()[name.toLowerCase()];
  }

  getHeaders(): Record<string, string | string[]> {
    const headers: Record<string, string | string[]> = {};
    for (let at = 0; at < this.#headers.length; at += 2) {
      const name = (this.#headers[at] ?? '').toLowerCase();
      const value = this.#headers[at + 1] ?? '';
      const before = headers[name];
      headers[name] = before === undefined ? value : [before, value].flat();
    }
    return headers;
  }
}

export function withoutCredentials(href: string): string {
  return href.includes('@') ? href.replace(/^(https?:\/\/)[^/?#]*@/, '$1') : href;
}
