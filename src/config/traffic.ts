/** Sections that a file may hold already and `pillion check` validates, although this version has no policy for them. */
import { z } from 'zod';
import { duration, headerName, headerValue } from '../options.js';
import { url } from './url.js';

const share = z.number().min(0).max(1);
const address = z.string().regex(/^(\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+):\d{1,5}$/, { error: 'expected host:port' });
const weight = z.int().min(0).max(4_294_967_295);
const headers = z.record(headerName, headerValue);

const refresh = duration({ min: 100 }).or(z.literal('ttl')).prefault('ttl').describe('How often to look up again.');

const endpoints = z
  .strictObject({
    static: z
      .array(
        z.strictObject({
          address: address.describe('host:port'),
          weight: weight.min(1).default(1).describe('Share of the traffic, relative to the others.'),
          zone: z.string().min(1).optional().describe('Where the endpoint is.'),
        }),
      )
      .min(1)
      .optional()
      .describe('Addresses that do not change.'),
    dns: z
      .strictObject({
        address: address.describe('host:port; every A and AAAA record is an endpoint.'),
        refresh,
        family: z.enum(['any', 'ipv4', 'ipv6']).default('any').describe('Which addresses are used.'),
      })
      .optional()
      .describe('Addresses that a name has.'),
    srv: z
      .strictObject({ name: z.string().min(1).describe('Name of the SRV record.'), refresh })
      .optional()
      .describe('Addresses of SRV records.'),
  })
  .check(exactlyOne);

/** Of the keys that a section has. */
function exactlyOne({ value, issues }: { value: object; issues: object[] }): void {
  if (Object.values(value).filter((each) => each !== undefined).length === 1) return;
  issues.push({ code: 'custom', path: [], message: 'give exactly one of its options', input: value });
}

const balance = z.strictObject({
  policy: z
    .enum(['least-pending', 'round-robin', 'random', 'hash'])
    .default('least-pending')
    .describe('Which endpoint the next attempt goes to.'),
  hashHeader: headerName.optional().describe('Header that `hash` is made of.'),
  slowStart: duration().prefault('30s').describe('How long a new endpoint takes to get its full share.'),
});

const outlierDetection = z
  .strictObject({
    consecutiveFailures: z.int().min(1).or(z.literal(false)).default(5).describe('Failures in a row that eject.'),
    interval: duration({ min: 100 }).prefault('10s').describe('How often rates are judged and ejections end.'),
    baseEjectionTime: duration({ min: 1 }).prefault('30s').describe('Grows with each ejection of the same endpoint.'),
    maxEjectionTime: duration({ min: 1 }).prefault('300s').describe('Longest time that an endpoint is left out.'),
    maxEjectionPercent: z.number().min(0).max(100).default(10).describe('At least one may be ejected, never the last.'),
    successRate: z
      .literal(false)
      .or(
        z.strictObject({
          stdevFactor: z.number().min(0).default(1.9).describe('Standard deviations below the mean.'),
          minimumHosts: z.int().min(1).default(5).describe('Endpoints with enough requests.'),
          requestVolume: z.int().min(1).default(100).describe('Requests in an interval that are enough.'),
        }),
      )
      .prefault({})
      .describe('Ejects endpoints that succeed clearly less often than the others.'),
    panicThreshold: z.number().min(0).max(100).default(50).describe('Percent healthy below which all are used.'),
  })
  .refine(({ baseEjectionTime, maxEjectionTime }) => maxEjectionTime >= baseEjectionTime, {
    path: ['maxEjectionTime'],
    error: 'must not be shorter than baseEjectionTime',
  });

const healthCheck = z.strictObject({
  path: z.string().regex(/^\//, { error: 'must begin with /' }).describe('Asked with GET.'),
  interval: duration({ min: 100 }).prefault('10s').describe('How often each endpoint is asked.'),
  timeout: duration({ min: 1 }).prefault('1s').describe('How long an answer may take.'),
  unhealthyThreshold: z.int().min(1).default(3).describe('Failures in a row after which it gets no calls.'),
  healthyThreshold: z.int().min(1).default(2).describe('Successes in a row after which it gets calls again.'),
  expectedStatuses: z.array(z.int().min(100).max(599)).min(1).default([200]).describe('What a well endpoint answers.'),
});

const match = z.strictObject({
  methods: z.array(z.string().min(1)).min(1).optional().describe('One of these.'),
  path: z
    .strictObject({
      prefix: z.string().regex(/^\//, { error: 'must begin with /' }).optional().describe('How it begins.'),
      exact: z.string().regex(/^\//, { error: 'must begin with /' }).optional().describe('The whole path.'),
      regex: z
        .string()
        .refine(isRegExp, { error: 'is not a regular expression' })
        .optional()
        .describe('Found anywhere in it.'),
    })
    .check(exactlyOne)
    .optional()
    .describe('The path of the URL, without the query.'),
  headers: headers.optional().describe('Each must be there with exactly this value.'),
});

function isRegExp(source: string): boolean {
  try {
    return Boolean(new RegExp(source));
  } catch {
    return false;
  }
}

const targets = z
  .array(
    z.strictObject({
      name: z.string().min(1),
      baseURL: url,
      weight,
      headers: headers.optional().describe('Sent in place of those of the client.'),
    }),
  )
  .min(1)
  .refine((all) => all.reduce((sum, each) => sum + each.weight, 0) > 0, {
    error: 'the weights sum to 0, so no target could be chosen',
  });

const split = z.array(z.strictObject({ match: match.optional(), targets })).min(1);

const mirror = z
  .array(
    z.strictObject({
      baseURL: url,
      fraction: share.default(1).describe('Share of the calls that is copied.'),
      match: match.optional(),
      hostSuffix: z.boolean().default(true).describe('Append `-shadow` to the Host header, as Envoy does.'),
      unsafeMethods: z.boolean().default(false).describe('Copy POST and PATCH too.'),
      keepCredentials: z.boolean().default(false).describe('Copy authorization and cookies too.'),
      headers: headers.optional().describe('Added to the copy.'),
    }),
  )
  .min(1);

const fault = z.strictObject({
  delay: z
    .strictObject({
      duration: duration({ min: 1 }).describe('How long.'),
      fraction: share.describe('Share of the calls.'),
    })
    .optional()
    .describe('Calls held up.'),
  abort: z
    .strictObject({
      status: z.int().min(200).max(599).describe('What is answered.'),
      fraction: share.describe('Share of the calls.'),
    })
    .optional()
    .describe('Calls that are answered without being sent.'),
  match: match.optional().describe('Only these calls.'),
  allowInProduction: z.boolean().default(false).describe('Without it nothing happens where NODE_ENV is production.'),
});

const later = (what: string) => `Without effect in this version. ${what}`;

/** Each is off until it is configured. */
export const trafficSections = {
  endpoints: endpoints.optional().describe(later('Many addresses behind `baseURL`.')),
  balance: balance.optional().describe(later('How one of the endpoints is chosen.')),
  outlierDetection: outlierDetection.optional().describe(later('When an endpoint is left out for a while.')),
  healthCheck: healthCheck.optional().describe(later('Asks each endpoint whether it is well.')),
  split: split
    .optional()
    .describe(later('Shifts calls to other targets by weight: the first rule that matches; else `baseURL`.')),
  mirror: mirror.optional().describe(later('Copies calls to another target; the answer is thrown away.')),
  fault: fault.optional().describe(later('Delays and failures made on purpose.')),
};

/** The sections of a configuration that have no effect in this version. */
export function sectionsWithoutPolicy(config: object): string[] {
  return Object.keys(trafficSections).filter((section) => section in config);
}
