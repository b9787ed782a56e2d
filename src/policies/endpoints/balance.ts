/** Sends each attempt to one of many endpoints, another one than before where there is one. */
import { z } from 'zod';
import { onBodyEnd, responseOf } from '../../call/body.js';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { healthOf } from '../../call/failure.js';
import { getHeader } from '../../call/headers.js';
import type { Request, Response, Transport } from '../../call/message.js';
import { type Call, callOf, withCall } from '../../call/record.js';
import { duration, headerName } from '../../options/options.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { choosers } from './choose.js';
import type { Discovery } from './discovery.js';
import { checked, discoveryOf, endpointsOptions } from './endpoints.js';
import type { Host } from './host.js';
import { HostSet } from './host-set.js';
import { type Placement, placed } from './placement.js';

export const balanceOptions = z.strictObject({
  strategy: z
    .enum(['least-pending', 'round-robin', 'random', 'hash'])
    .default('least-pending')
    .describe('Which endpoint the next attempt goes to.'),
  hashHeader: headerName
    .optional()
    .describe("Header whose value `hash` goes by; a call's own `hashKey` goes first. Without either: random."),
  slowStart: duration()
    .prefault('30s')
    .describe('How long a new endpoint, or one that comes back, takes to get its full share; 0: none.'),
  zone: z
    .string()
    .min(1)
    .optional()
    .describe('Endpoints of this zone are preferred while enough of them, by `panicThresholdPercent`, are usable.'),
  panicThresholdPercent: z
    .number()
    .min(0)
    .max(100)
    .default(50)
    .describe('Percent of usable endpoints below which all are used, as nothing better is known.'),
});

const policyOptions = balanceOptions.extend({
  endpoints: endpointsOptions.optional(),
  discovery: z.custom<Discovery>((given) => typeof (given as Discovery | undefined)?.watch === 'function').optional(),
  /** Calls to other origins are none of its business. */
  origin: z.string().optional(),
});

type BalanceOptions = z.output<typeof policyOptions>;

interface State {
  readonly origin: string | undefined;
  readonly set: HostSet;
}

/**
 * Chooses an endpoint for each attempt. The Host header and the name in the TLS handshake stay those of `baseURL`; what
 * stands further down keeps its circuits and limits for each endpoint. Where the circuit of the chosen one is open, the
 * next is asked.
 */
export const balance = definePolicy<typeof policyOptions, State>(
  'balance',
  policyOptions,
  (options, context, before) => {
    const { strategy, slowStart, hashHeader, origin } = options;
    const set = setFor(options, context, before);
    const typical = (now: number) => set.typicalLatency(now);
    const choose = (request: Request, call: Call, refused: readonly Host[]): Host | undefined => {
      const now = performance.now();
      return choosers[strategy]({
        hosts: candidates(set, call, refused, now),
        now,
        slowStart,
        random: context.random,
        typical,
        even: set.even,
        key:
          strategy === 'hash' ? (request.hashKey ?? (hashHeader && getHeader(request.headers, hashHeader))) : undefined,
      });
    };
    return {
      wrap: (next) =>
        async function balance(original) {
          const request = withCall(original);
          const call = callOf(request);
          if (origin !== undefined && call.origin !== origin) return next(request);
          set.start();
          const refused: Host[] = [];
          for (;;) {
            while (set.hosts.length === 0) await set.ready(request);
            const host = choose(request, call, refused) as Host;
            try {
              return await send(next, request, call, { host, set });
            } catch (error) {
              if (!rests(error, host, set)) throw error;
              refused.push(host);
              if (refused.length >= set.hosts.length) throw error;
            }
          }
        },
      stats: () => set.stats(),
      start: () => set.start(),
      close: () => set.close(),
      state: { origin, set },
    };
  },
);

/** What was known of the endpoints of the same origin stays known. */
function setFor(options: BalanceOptions, context: PolicyContext, before: State | undefined): HostSet {
  const { zone, panicThresholdPercent, slowStart, endpoints, discovery, origin } = options;
  const earlier = before?.origin === origin ? before?.set : undefined;
  const found = endpoints && discoveryOf(endpoints);
  const source = discovery === undefined ? found : checked(discovery);
  return new HostSet({ zone, panicThresholdPercent, slowStart }, source, context, earlier);
}

/** Those not tried by this call, as long as there are any. */
function candidates(set: HostSet, { tried }: Call, refused: readonly Host[], now: number): readonly Host[] {
  const usable = set.usable(now);
  if (tried.length === 0 && refused.length === 0) return usable;
  const fresh = usable.filter(({ address }) => !tried.some((each) => each.address === address));
  if (fresh.length > 0) return fresh;
  const open = usable.filter((host) => !refused.includes(host));
  if (open.length > 0) return open;
  const any = set.hosts.filter((host) => !refused.includes(host));
  return any.length > 0 ? any : set.hosts;
}

async function send(next: Transport, request: Request, call: Call, placement: Placement): Promise<Response> {
  const { host } = placement;
  const { load } = host;
  const startedAt = performance.now();
  const sent = call.attempts;
  const leave = () => {
    load.pending--;
  };
  load.pending++;
  call.tried.push(host);
  try {
    const response = await next(placed(request, placement));
    load.observe(performance.now() - startedAt, 'success');
    onBodyEnd(response, leave);
    return response;
  } catch (error) {
    const response = responseOf(error);
    if (call.attempts > sent) load.observe(performance.now() - startedAt, healthOf(error, true));
    if (response === undefined) leave();
    else onBodyEnd(response, leave);
    throw error;
  }
}

/** Nothing was sent, as the circuit of this endpoint is open: until it may be tried it is left out. */
function rests(error: unknown, host: Host, set: HostSet): boolean {
  if (!(error instanceof PillionError) || error.code !== ErrorCode.CIRCUIT_OPEN) return false;
  host.restsUntil = performance.now() + (error.retryAfter ?? 0);
  set.touch();
  return true;
}
