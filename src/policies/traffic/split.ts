/** Shifts calls to other targets: by rules in order, within a rule by weight; chosen once for all attempts of a call. */
import { z } from 'zod';
import { copyHeaders, getHeader, setHeader } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { callOf, withCall } from '../../call/record.js';
import { url } from '../../options/base-url.js';
import { headerName, headerValue, rule } from '../../options/options.js';
import { rendezvous } from '../hash.js';
import { definePolicy } from '../policy.js';
import { matcherOf, matchOptions } from './match.js';
import { rebased } from './rebase.js';

const target = z.strictObject({
  name: z.string().min(1).describe('Names it in stats.'),
  baseURL: url.describe('In place of the one of the client.'),
  weight: z.int().min(0).max(4_294_967_295).describe('Share of the calls, relative to the others.'),
  headers: z.record(headerName, headerValue).optional().describe('Sent in place of those of the client and the call.'),
});

const splitRule = z.strictObject({
  match: matchOptions.optional().describe('Only these calls; all where nothing is said.'),
  sticky: z
    .strictObject({
      header: headerName.optional().describe('By the value of this header.'),
      cookie: z.string().min(1).optional().describe('By the value of this cookie.'),
    })
    .refine(
      ({ header, cookie }) => (header === undefined) !== (cookie === undefined),
      rule(['header', 'cookie'], [], 'give exactly one of its options'),
    )
    .optional()
    .describe("The same value always takes the same target; a call's own `hashKey` goes first."),
  targets: z
    .array(target)
    .min(1)
    .refine((all) => all.reduce((sum, { weight }) => sum + weight, 0) > 0, {
      error: 'the weights sum to 0, so no target could be chosen',
    })
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, { error: 'two have the same name' }),
});

export const splitOptions = z.array(splitRule).min(1);

type Rule = z.output<typeof splitRule>;
type SplitTarget = z.output<typeof target>;

/** Calls for each target, by the names of both; kept when weights change. */
type Counts = Map<string, number>;

/**
 * Sends a call to one of the targets of the first rule that matches; where none does it goes to `baseURL`. Retries stay
 * with the target. As Envoy's `weighted_clusters`; sticky calls keep their target as far as the weights allow.
 */
export const split = definePolicy<typeof splitOptions, Counts>('split', splitOptions, (rules, { random }, before) => {
  const counts: Counts = before ?? new Map();
  const choices = rules.map((each) => ({ matches: matcherOf(each.match), choose: chooser(each, random) }));
  return {
    wrap: (next) =>
      function split(original) {
        const request = withCall(original);
        const choice = choices.find(({ matches }) => matches(request));
        if (choice === undefined) return next(request);
        const to = choice.choose(request);
        const shifted = shift(request, to);
        if (shifted !== request) counts.set(to.name, (counts.get(to.name) ?? 0) + 1);
        return next(shifted);
      },
    stats: () => Object.fromEntries(counts),
    state: counts,
  };
});

function chooser({ sticky, targets }: Rule, random: () => number): (request: Request) => SplitTarget {
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  const last = targets.findLast(({ weight }) => weight > 0) as SplitTarget;
  return (request) => {
    const key = request.hashKey ?? stickyValue(request, sticky);
    if (key !== undefined)
      return (
        rendezvous(
          key,
          targets,
          ({ name }) => name,
          ({ weight }) => weight,
        ) ?? last
      );
    let left = random() * total;
    for (const each of targets) {
      left -= each.weight;
      if (left < 0) return each;
    }
    return last;
  };
}

function stickyValue({ headers }: Request, sticky: Rule['sticky']): string | undefined {
  if (sticky?.header !== undefined) return getHeader(headers, sticky.header);
  if (sticky?.cookie === undefined) return undefined;
  const pairs = getHeader(headers, 'cookie')?.split(';') ?? [];
  const start = `${sticky.cookie}=`;
  return pairs
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(start))
    ?.slice(start.length);
}

/** The request under the target's base URL, its call with it; as it is where it goes elsewhere by a URL of its own. */
function shift(request: Request, { baseURL, headers }: SplitTarget): Request {
  const call = callOf(request);
  const moved = rebased(request, call, baseURL);
  if (moved === undefined) return request;
  call.aim(moved.target);
  const shifted = { ...request, ...moved.options };
  if (headers === undefined) return shifted;
  const own = copyHeaders(request.headers);
  for (const [name, value] of Object.entries(headers)) setHeader(own, name, value);
  return { ...shifted, headers: own };
}
