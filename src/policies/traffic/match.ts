/** The `match` option of a rule, which selects calls by method, path and headers. */
import { z } from 'zod';
import { getHeader, hasHeader } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import type { Call } from '../../call/record.js';
import { callOf } from '../../call/request.js';
import { headerName, headerValue } from '../../options/header.js';
import { rule } from '../../options/options.js';

const slash = z.lazy(() => z.string().regex(/^\//, { error: 'must begin with /' }));

export const matchOptions = z.lazy(() =>
  z.strictObject({
    methods: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('HTTP methods, one of which the call must have; upper or lower case. By default any.'),
    path: z
      .strictObject({
        prefix: slash
          .optional()
          .describe('Start of the path, such as `/v1/`. It is compared with the path as it is sent.'),
        exact: slash.optional().describe('The whole path, as it is sent.'),
        regex: z
          .string()
          .refine(isRegExp, { error: 'is not a regular expression' })
          .optional()
          .describe(
            'Regular expression that is searched for anywhere in the path; anchor it with `^` and `$` to match the whole path.',
          ),
      })
      .refine(
        (path) => Object.values(path).filter((each) => each !== undefined).length === 1,
        rule(['prefix', 'exact', 'regex'], [], 'give exactly one of its options'),
      )
      .optional()
      .describe(
        'Condition on the path of the URL, without the query: exactly one of `prefix`, `exact` and `regex`. By default any path.',
      ),
    headers: z
      .record(headerName, headerValue.or(z.boolean()))
      .optional()
      .describe(
        'Headers that the request must have, each with exactly this value; `true`: with any value, `false`: it must not have the header. By default none.',
      ),
  }),
);

type MatchOptions = z.output<typeof matchOptions>;

/** Returns true where the rule applies to the call. */
export type Matcher = (request: Request) => boolean;

export function isRegExp(source: string): boolean {
  try {
    return Boolean(new RegExp(source));
  } catch {
    return false;
  }
}

/** Makes a matcher that requires every given condition; without conditions it matches every call. */
export function matcherOf(match: MatchOptions | undefined): Matcher {
  if (match === undefined) return () => true;
  const methods = match.methods && new Set(match.methods.map((method) => method.toUpperCase()));
  const matchesPath = pathMatcher(match.path);
  const headers = Object.entries(match.headers ?? {});
  return (request) => {
    const call = callOf(request);
    if (methods !== undefined && !methods.has(call.method)) return false;
    if (!headers.every(([name, value]) => hasAsked(request, name, value))) return false;
    return matchesPath === undefined || matchesPath(pathOf(call));
  };
}

/** Up to this number of rules each is looked at, which takes less time than to find those of a path. */
const fewRules = 8;

/** The rules of a list that apply to a call. They are found by the path, so the cost does not grow with their number. */
export class RuleList {
  readonly #matchers: readonly Matcher[];
  readonly #exact = new Map<string, number[]>();
  readonly #prefixes = new Map<string, number[]>();
  /** The lengths of the prefixes. */
  readonly #lengths: readonly number[];
  /** Rules that may apply whatever the path is, or that search in it. */
  readonly #others: number[] = [];

  constructor(rules: readonly { readonly match?: MatchOptions | undefined }[]) {
    this.#matchers = rules.map(({ match }) => matcherOf(match));
    for (const [index, { match }] of rules.entries()) {
      const { prefix, exact } = match?.path ?? {};
      if (prefix !== undefined) addTo(this.#prefixes, prefix, index);
      else if (exact !== undefined) addTo(this.#exact, exact, index);
      else this.#others.push(index);
    }
    this.#lengths = [...new Set([...this.#prefixes.keys()].map(({ length }) => length))];
  }

  /** The place of the first rule that applies; -1 where none does. */
  first(request: Request): number {
    if (this.#matchers.length <= fewRules) return this.#matchers.findIndex((matches) => matches(request));
    return this.#byPath(request).find((index) => this.#matchers[index]?.(request)) ?? -1;
  }

  /** The places of all rules that apply, in their order. */
  all(request: Request): number[] {
    const may = this.#matchers.length <= fewRules ? [...this.#matchers.keys()] : this.#byPath(request);
    return may.filter((index) => this.#matchers[index]?.(request));
  }

  /** The places of the rules that may apply to a path, in their order. */
  #byPath(request: Request): readonly number[] {
    const path = pathOf(callOf(request));
    const found = [this.#others];
    const exact = this.#exact.get(path);
    if (exact !== undefined) found.push(exact);
    for (const length of this.#lengths) {
      const some = length <= path.length ? this.#prefixes.get(path.slice(0, length)) : undefined;
      if (some !== undefined) found.push(some);
    }
    return found.length === 1 ? this.#others : found.flat().sort((a, b) => a - b);
  }
}

function addTo(map: Map<string, number[]>, key: string, index: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [index]);
  else known.push(index);
}

function hasAsked({ headers }: Request, name: string, asked: string | boolean): boolean {
  return typeof asked === 'boolean' ? hasHeader(headers, name) === asked : getHeader(headers, name) === asked;
}

function pathMatcher(path: MatchOptions['path']): ((path: string) => boolean) | undefined {
  if (path === undefined) return undefined;
  const { prefix, exact, regex } = path;
  if (prefix !== undefined) return (asked) => asked.startsWith(prefix);
  if (exact !== undefined) return (asked) => asked === exact;
  const pattern = new RegExp(regex ?? '');
  return (asked) => pattern.test(asked);
}

/** The path of a call without the query. */
export function pathOf({ path }: Call): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}
