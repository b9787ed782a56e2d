/** Chooses an endpoint for each attempt, if possible one that the call has not tried yet. */
import { z } from 'zod';
import { onBodyEnd, responseOf } from '../../call/body.js';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { healthOf } from '../../call/failure.js';
import type { Request, Response, Transport } from '../../call/message.js';
import { once } from '../../call/once.js';
import type { Call } from '../../call/record.js';
import { callOf, withCall } from '../../call/request.js';
import { duration } from '../../options/duration.js';
import { headerName } from '../../options/header.js';
import { rule } from '../../options/options.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { anyone, choosers } from './choose.js';
import type { Discovery } from './discovery.js';
import { checked, discoveryOf, endpointsOptions } from './endpoints.js';
import { hashKeyOf, hashOn } from './hash-key.js';
import type { Host } from './host.js';
import { HostSet } from './host-set.js';
import { type Placement, placed } from './placement.js';

const balanceShape = once(() =>
  z.strictObject({
    strategy: z
      .enum(['least-pending', 'round-robin', 'random', 'hash'])
      .default('least-pending')
      .describe(
        'How the endpoint of the next attempt is chosen: `least-pending` takes the least loaded and avoids slow or failing ones, `round-robin` takes turns by weight, `random` draws by weight, `hash` keeps a key at one endpoint. Default `least-pending`. Use `hash` for endpoints that cache by key.',
      ),
    hashHeader: headerName
      .optional()
      .describe(
        "Name of the request header whose value is the key for `hash`. A call's own `hashKey` overrides it; a call without a key goes to a random endpoint. Not set by default.",
      ),
    hashOn: hashOn
      .optional()
      .describe(
        'Parts of the request that make up the key for `hash`, where it is more than one header: those that the request has are joined. Not set by default; not together with `hashHeader`.',
      ),
    slowStart: duration()
      .prefault('30s')
      .describe(
        'Time in which the traffic of a new or returning endpoint grows from a tenth to its full share. Default 30s; 0: full share at once. Raise it for endpoints that need time to warm up.',
      ),
    zone: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Zone of this client: only endpoints of the same zone are used while at least `panicThresholdPercent` percent of them are usable. By default zones are ignored. Set it to save latency and the cost of traffic between zones.',
      ),
    panicThresholdPercent: z
      .number()
      .min(0)
      .max(100)
      .default(50)
      .describe(
        'If fewer than this percentage of the endpoints are usable, all of them get traffic, since the few could not bear it. Default 50; 0: only if none is usable.',
      ),
    overprovisioningFactor: z
      .number()
      .min(0.01)
      .max(1000)
      .default(1.4)
      .describe(
        'Where endpoints have priorities: how much more traffic the usable endpoints of a priority bear than their own share, before the rest of it goes to the next priority. Default 1.4, so that three of four still get all of it. Lower it if endpoints have no room to spare.',
      ),
  }),
);

export const balanceOptions = z.lazy(() =>
  balanceShape().refine(
    ({ hashHeader, hashOn }) => hashHeader === undefined || hashOn === undefined,
    rule(['hashHeader', 'hashOn'], ['hashHeader'], 'is the same as one entry of hashOn: give one of them'),
  ),
);

const policyOptions = z.lazy(() =>
  balanceShape().extend({
    endpoints: endpointsOptions.optional(),
    discovery: z.custom<Discovery>((given) => typeof (given as Discovery | undefined)?.watch === 'function').optional(),
    /** Only calls to this origin are balanced; undefined: all calls. */
    origin: z.string().optional(),
  }),
);

type BalanceOptions = z.output<typeof policyOptions>;

interface State {
  readonly origin: string | undefined;
  readonly set: HostSet;
}

/**
 * Chooses an endpoint for each attempt. The Host header and the server name in the TLS handshake stay those of
 * `baseURL`; the policies further down keep circuits and limits for each endpoint. If the circuit of the chosen
 * endpoint is open, the attempt goes to another one.
 */
export const balance = definePolicy<typeof policyOptions, State>(
  'balance',
  policyOptions,
  (options, context, before) => {
    const { strategy, slowStart, origin } = options;
    const keyOf = strategy === 'hash' ? hashKeyOf(options) : () => undefined;
    const set = setFor(options, context, before);
    const typical = (now: number) => set.typicalLatency(now);
    const choose = (request: Request, call: Call, refused: readonly Host[]): Host | undefined => {
      const now = performance.now();
      const key = keyOf(request);
      const { roster, isWhole } = set.share(now, key);
      const { tried } = call;
      const isUsable = isWhole ? anyone : (host: Host) => host.isUsable(now);
      const choose = (isOpen: (host: Host) => boolean, from = roster) =>
        choosers[strategy]({
          roster: from,
          isOpen,
          now,
          slowStart,
          random: context.random,
          typical,
          even: set.even,
          key,
        });
      if (tried.length === 0) return choose(isUsable) ?? choose(anyone, set.all);
      // One that the call has not tried, else one whose circuit did not refuse it, else any.
      return (
        choose((host) => isUsable(host) && !tried.some(({ address }) => address === host.address)) ??
        choose((host) => isUsable(host) && !refused.includes(host)) ??
        choose((host) => !refused.includes(host), set.all) ??
        choose(anyone, set.all)
      );
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
              // The circuits that are known to be open need not be asked one by one.
              if (refused.length >= set.hosts.length || set.allRest(performance.now())) throw error;
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

/** Makes the endpoint set, which inherits the endpoints of its predecessor if the origin is the same. */
function setFor(options: BalanceOptions, context: PolicyContext, before: State | undefined): HostSet {
  const { zone, panicThresholdPercent, slowStart, overprovisioningFactor, endpoints, discovery, origin } = options;
  const earlier = before?.origin === origin ? before?.set : undefined;
  const found = endpoints && discoveryOf(endpoints);
  const source = discovery === undefined ? found : checked(discovery);
  return new HostSet({ zone, panicThresholdPercent, slowStart, overprovisioningFactor }, source, context, earlier);
}

async function send(next: Transport, request: Request, call: Call, placement: Placement): Promise<Response> {
  const { host, set } = placement;
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
    set.answered(host);
    onBodyEnd(response, leave);
    return response;
  } catch (error) {
    if (call.attempts > sent) {
      load.observe(performance.now() - startedAt, healthOf(error, true));
      set.answered(host);
    }
    onBodyEnd(responseOf(error), leave);
    throw error;
  }
}

/**
 * True where the endpoint's circuit was open, so nothing was sent; excludes the endpoint until that circuit admits a
 * trial.
 */
function rests(error: unknown, host: Host, set: HostSet): boolean {
  if (!(error instanceof PillionError) || error.code !== ErrorCode.CIRCUIT_OPEN) return false;
  const now = performance.now();
  const rested = host.restsUntil > now;
  host.restsUntil = now + (error.retryAfter ?? 0);
  if (!rested) set.touch();
  return true;
}
