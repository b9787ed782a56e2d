/** What a configuration may hold: every section with its defaults, ranges and descriptions, kept beside its policy. */
import { z } from 'zod';
import { once } from '../../call/once.js';
import { DEFAULTED, dataOf, nothing, ownOf } from '../../call/own.js';
import { url } from '../../options/base-url.js';
import { duration } from '../../options/duration.js';
import { headerName, headerValue } from '../../options/header.js';
import { assumed, badOptions, faultsOf, rule, valueAt } from '../../options/options.js';
import { unbuilt } from '../../options/unbuilt.js';
import { limitsOptions } from '../../policies/admission/limits.js';
import { circuitBreakerOptions } from '../../policies/circuit.js';
import { retryOptions } from '../../policies/retries/retry-plan.js';
import { loggingOptions } from '../../policies/telemetry/logging.js';
import { tracingOptions } from '../../policies/telemetry/tracing.js';
import { attemptFits, attemptRule } from '../../policies/timeouts/call-timeouts.js';
import { defaultTotal, totalTimeout } from '../../policies/timeouts/deadline.js';
import { idleTimeoutOption } from '../../policies/timeouts/idle-timeout.js';
import { attemptTimeout, defaultAttempt } from '../../policies/timeouts/timeout.js';
import { allowH2 } from '../../transport/pool/connection-options.js';
import { materialFaults } from '../../transport/tls/material-faults.js';
import { tlsOptions } from '../../transport/tls/tls.js';
import { connectionsSection } from './connections.js';
import { trafficSections } from './traffic.js';

/** The section `timeouts` as it is in force, in milliseconds. */
interface TimeLimits {
  readonly total: number | false;
  readonly attempt: number | false;
  readonly connect: number | false;
  /** Absent for no limit. */
  readonly idle?: number;
  /** Those of `total` and `attempt` that nobody has set: axios's `timeout` takes their place. */
  readonly [DEFAULTED]?: readonly string[];
}

const connectTimeout = z.lazy(() =>
  duration({ min: 1 })
    .or(z.literal(false))
    .describe('A new connection, TLS handshake included. The shorter of this and `attempt` by default.'),
);

const timeouts = z.lazy(() =>
  z
    .strictObject({
      total: totalTimeout,
      attempt: attemptTimeout,
      connect: connectTimeout.optional().meta({ [assumed]: '1s' }),
      idle: idleTimeoutOption,
    })
    .refine((given) => attemptFits(given, defaultTotal), attemptRule)
    .transform((given): TimeLimits => {
      const own = ownOf(given);
      const { total = defaultTotal, attempt = shorter(defaultAttempt, total), connect = shorter(1000, attempt) } = own;
      const idle = own.idle ? { idle: own.idle } : {};
      return { total, attempt, connect, ...idle, [DEFAULTED]: timeLimits.filter((name) => own[name] === undefined) };
    }),
);

const timeLimits = ['total', 'attempt'] as const;

function shorter(ms: number, limit: number | false): number {
  return limit === false ? ms : Math.min(ms, limit);
}

const proxyObject =
  'expected "env" or false; a proxy object is an option of a single call, or of an instance under usePolicies';

const sections = once(() =>
  z.strictObject({
    name: z.string().min(1).default('default').describe('Names the client in log lines, spans, errors and stats.'),
    baseURL: url.optional().describe('What relative URLs of calls are appended to, and the origin they may not leave.'),
    headers: z
      .record(headerName, headerValue)
      .default({})
      .describe('Sent with every request, unless the call says otherwise.'),
    allowAbsoluteUrls: z
      .boolean()
      .default(false)
      .describe('Let a call leave the origin of `baseURL` by an absolute URL.'),
    maxRedirects: z
      .int()
      .min(0)
      .max(50)
      .default(0)
      .describe('Redirects followed; 0: a 3xx is an answer like any other.'),
    proxy: z
      .union([z.literal(false), z.literal('env')], {
        error: ({ input }) => (typeof input === 'object' && input !== null ? proxyObject : undefined),
      })
      .default(false)
      .describe('`env`: use HTTP_PROXY, HTTPS_PROXY and NO_PROXY.'),
    allowH2,
    envoyHeaders: z
      .union([z.boolean(), z.literal('drop')])
      .default(false)
      .describe(
        'Obey the headers by which callers steer Envoy (`x-envoy-retry-on`, `x-envoy-max-retries`, `x-envoy-retriable-status-codes`, `x-envoy-upstream-rq-timeout-ms`, `x-envoy-upstream-rq-per-try-timeout-ms`), and send none of them on. `drop`: send none of them on and obey none, as Envoy does with callers that it does not take for internal ones. Default false: they are headers like any other. Set it for code that was written for an Envoy sidecar.',
      ),
    timeouts: section(timeouts).describe('How long things may take; `false`: no limit.'),
    retry: section(retryOptions).describe('Which failures are repeated, when and how often.'),
    circuitBreaker: section(circuitBreakerOptions).describe('When to stop calling a destination that fails.'),
    limits: section(limitsOptions).describe('How many requests may be in flight and wait; `false`: no limit.'),
    connections: connectionsSection
      .prefault(nothing as never)
      .describe('How many connections there are, how old they get and how long they stay open unused.'),
    maxContentLength: z
      .int()
      .min(-1)
      .default(10 * 1024 * 1024)
      .describe(
        "Bytes of a buffered response body, decompressed; a longer one fails the call. -1: no limit. A call's own `maxContentLength` goes first.",
      ),
    tracing: section(tracingOptions).describe('Spans and the headers that identify a call.'),
    logging: section(loggingOptions).describe('One line for each finished call.'),
    tls: unbuilt(tlsOptions).describe('Identity for https: mutual TLS, trust and pinning.'),
    ...trafficSections(),
  }),
);

interface Places {
  baseURL?: string | undefined;
  endpoints?: unknown;
}

function named({ endpoints, baseURL }: Places): boolean {
  return endpoints === undefined || baseURL !== undefined;
}

const unnamed = rule(['baseURL'], ['endpoints'], 'needs a baseURL: it names the server that the endpoints are');

export const configSchema = z.lazy(() => sections().refine(named, unnamed));

/** The same where the name stands elsewhere. */
export const namelessSchema = z.lazy(() => sections().omit({ name: true }).refine(named, unnamed));

/** The options that a client in a file may have. */
export const clientOptions = once(() => Object.keys(sections().shape).filter((name) => name !== 'name'));

/** Off unless they are configured. */
export const optionalSections = once(() => ['tls', ...Object.keys(trafficSections())]);

/** On with its defaults where nothing is said; `false` switches it off. */
function section<Schema extends z.ZodType>(schema: Schema) {
  return z
    .literal(false)
    .or(schema)
    .prefault(nothing as never);
}

/** What a configuration file can hold, and `createHttpClient` takes. */
export type HttpClientConfig = z.input<typeof configSchema>;

/** A configuration with every default filled in and durations in milliseconds. */
export type Config = z.output<typeof configSchema>;

/**
 * Also where the configuration is wrong, its certificates and keys are looked at, unless `files` is false: then others are used.
 * @throws PillionError ERR_CONFIG that lists every fault
 */
export function parseConfig(input: HttpClientConfig, files = true): Config {
  // zod would compile a function for each object, which takes longer than a thousand configurations without.
  const result = configSchema.safeParse(dataOf(input), { jitless: true });
  if (result.success) return dataOf(result.data) as Config;
  const faults = faultsOf(result.error, configSchema, (path) => valueAt(input, path));
  const name = typeof input?.name === 'string' ? `the HTTP client "${input.name}"` : 'the HTTP client';
  throw badOptions([...faults, ...(files ? materialFaults(input?.tls) : [])], name);
}

/** The JSON Schema (draft 2020-12) of a configuration, for editors and documentation. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      const { [assumed]: standard, ...rest } = jsonSchema as Record<string, unknown>;
      if (standard !== undefined) Object.assign(jsonSchema, rest, { default: standard });
      delete (jsonSchema as Record<string, unknown>)[assumed];
    },
  }) as Record<string, unknown>;
}
