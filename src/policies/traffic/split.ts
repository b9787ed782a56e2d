/** Routes calls to other targets: the first matching rule applies and chooses a target by weight, once per call. */
import { z } from 'zod';
import { withoutAuth } from '../../call/authorization.js';
import { cookieOf, copyHeaders, getHeader, omitHeader, setHeader } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { callOf, withCall } from '../../call/request.js';
import { url } from '../../options/base-url.js';
import { headerName, headerValue } from '../../options/header.js';
import { rule } from '../../options/options.js';
import { rendezvous } from '../hash.js';
import { definePolicy } from '../policy.js';
import { matchOptions, RuleList } from './match.js';
import { rebased } from './rebase.js';

const target = z.lazy(() =>
  z.strictObject({
    name: z.string().min(1).describe('Name of the target in stats; unique within the rule.'),
    baseURL: url.describe('Base URL of the target, which replaces the `baseURL` of the client.'),
    weight: z
      .int()
      .min(0)
      .max(4_294_967_295)
      .describe('Share of the calls, relative to the weights of the other targets; 0: none.'),
    headers: z
      .record(headerName, headerValue)
      .optional()
      .describe('Headers to set on calls to this target; they override those of the client and the call.'),
    removeHeaders: z
      .array(headerName)
      .default([])
      .describe('Names of headers to leave out of calls to this target. By default none.'),
  }),
);

const splitRule = z.lazy(() =>
  z.strictObject({
    match: matchOptions.optional().describe('Calls that the rule applies to. By default all.'),
    sticky: z
      .strictObject({
        header: headerName.optional().describe('Name of the request header whose value is the key.'),
        cookie: z.string().min(1).optional().describe('Name of the cookie whose value is the key.'),
      })
      .refine(
        ({ header, cookie }) => (header === undefined) !== (cookie === undefined),
        rule(['header', 'cookie'], [], 'give exactly one of its options'),
      )
      .optional()
      .describe(
        "Sends calls with the same key, from a header or a cookie, to the same target. A call's own `hashKey` overrides it. By default each call is drawn at random; set it to keep a user at one version.",
      ),
    targets: z
      .array(target)
      .min(1)
      .refine((all) => all.reduce((sum, { weight }) => sum + weight, 0) > 0, {
        error: 'the weights sum to 0, so no target could be chosen; give at least one a weight above 0',
      })
      .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
        error: 'two targets have the same name',
      }),
  }),
);

export const splitOptions = z.lazy(() => z.array(splitRule).min(1));

type Rule = z.output<typeof splitRule>;
type SplitTarget = z.output<typeof target> & {
  /** Lower-case names of the headers that it changes. */
  readonly names: ReadonlySet<string>;
};

/** Number of calls by the name of their target; survives updates. */
type Counts = Map<string, number>;

/**
 * Sends a call to one of the targets of the first matching rule, or to `baseURL` if no rule matches. Retries stay with
 * the target. Like Envoy's `weighted_clusters`, and a change of the weights moves as few sticky keys as possible.
 */
export const split = definePolicy<typeof splitOptions, Counts>('split', splitOptions, (rules, { random }, before) => {
  const counts: Counts = before ?? new Map();
  const list = new RuleList(rules);
  const choosers = rules.map((each) => chooser(each, random));
  return {
    wrap: (next) =>
      function split(original) {
        const request = withCall(original);
        const choose = choosers[list.first(request)];
        if (choose === undefined) return next(request);
        const to = choose(request);
        const shifted = shift(request, to);
        if (shifted !== request) counts.set(to.name, (counts.get(to.name) ?? 0) + 1);
        return next(shifted);
      },
    stats: () => Object.fromEntries(counts),
    state: counts,
  };
});

function chooser({ sticky, targets }: Rule, random: () => number): (request: Request) => SplitTarget {
  const all = targets.map((each): SplitTarget => ({ ...each, names: namesOf(each) }));
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  const last = all.findLast(({ weight }) => weight > 0) as SplitTarget;
  return (request) => {
    const key = request.hashKey ?? stickyValue(request, sticky);
    if (key !== undefined)
      return (
        rendezvous(
          key,
          all,
          ({ name }) => name,
          ({ weight }) => weight,
        ) ?? last
      );
    let left = random() * total;
    for (const each of all) {
      left -= each.weight;
      if (left < 0) return each;
    }
    return last;
  };
}

function namesOf({ headers = {}, removeHeaders }: z.output<typeof target>): ReadonlySet<string> {
  return new Set([...Object.keys(headers), ...removeHeaders].map((name) => name.toLowerCase()));
}

function stickyValue({ headers }: Request, sticky: Rule['sticky']): string | undefined {
  if (sticky?.header !== undefined) return getHeader(headers, sticky.header);
  return sticky?.cookie === undefined ? undefined : cookieOf(headers, sticky.cookie);
}

/**
 * Moves the request and its call to the target's base URL; returns it unchanged if its own URL is outside the client's.
 */
function shift(request: Request, { baseURL, headers = {}, removeHeaders, names }: SplitTarget): Request {
  const call = callOf(request);
  const moved = rebased(request, call, baseURL);
  if (moved === undefined) return request;
  call.aim(moved.target);
  const shifted = { ...request, ...moved.options };
  if (names.size === 0) return shifted;
  const own = copyHeaders(request.headers);
  const bare = names.has('authorization') ? withoutAuth(shifted, own) : undefined;
  for (const name of removeHeaders) omitHeader(own, name);
  for (const [name, value] of Object.entries(headers)) setHeader(own, name, value);
  call.disown(names);
  return { ...shifted, ...bare, headers: own };
}
