/** What a case of the contract is: something done over a wire, and what axios promises to come of it. */
import type { AxiosInstance } from 'axios';
import type { Answer, Ask } from './server.js';

export const schemes = ['http', 'https', 'h2'] as const;
export type Scheme = (typeof schemes)[number];

/** axios's own http adapter, ours in a plain axios instance, and ours below a whole client. */
export const wireNames = ['axios', 'adapter', 'client'] as const;
export type WireName = (typeof wireNames)[number];

/** What a case has to work with. */
export interface Wire {
  readonly name: WireName;
  readonly scheme: Scheme;
  /** An instance whose `baseURL` is `origin`. */
  readonly http: AxiosInstance;
  readonly origin: string;
  /** A second server that answers the same. */
  readonly elsewhere: string;
  /** Where certificates for `https` come from. */
  readonly ca: string;
  /** Has `answer` given, once the request's body is there; returns the path. */
  serve(answer: Answer): string;
  /** Has `ask` deal with the request as soon as its headers are there; returns the path. */
  serveEarly(ask: Ask): string;
  /** Another instance with connections of its own, closed when the test ends. */
  fresh(): Promise<AxiosInstance>;
}

/** A place where ours is not axios's http adapter. */
export interface Difference {
  readonly reason: string;
  readonly expect: unknown;
  /** Both of ours where nothing is said. */
  readonly wires?: readonly WireName[];
}

export interface Case {
  readonly name: string;
  /** Schemes the case makes sense for; all of them where nothing is said. */
  readonly only?: readonly Scheme[];
  /** Schemes that axios's own adapter cannot do this over. */
  readonly axiosCannot?: readonly Scheme[];
  /** Runs the case; what it resolves with is compared with `expect`. */
  readonly run: (wire: Wire) => Promise<unknown>;
  /** May hold vitest's asymmetric matchers. */
  readonly expect: unknown;
  readonly differs?: Difference | readonly Difference[];
}

export const h1: readonly Scheme[] = ['http', 'https'];
/** For cases in which the scheme plays no part, or that need a socket of their own. */
export const once: readonly Scheme[] = ['http'];
export const h2: readonly Scheme[] = ['h2'];

export function differencesOf({ differs = [] }: Case): readonly Difference[] {
  return Array.isArray(differs) ? differs : [differs as Difference];
}
