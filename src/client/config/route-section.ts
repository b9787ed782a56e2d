/** The section `routes`: options for the calls that match, in place of those of the client. */
import { z } from 'zod';
import { nothing } from '../../call/own.js';
import { planFor, type RetryPlan, routeRetry } from '../../policies/retries/retry-plan.js';
import { routeTimeouts } from '../../policies/timeouts/call-timeouts.js';
import { directResponseOptions } from '../../policies/traffic/direct-response.js';
import { matchOptions } from '../../policies/traffic/match.js';
import { pathRewriteOptions } from '../../policies/traffic/path-rewrite.js';
import { requestHeadersOptions } from '../../policies/traffic/request-headers.js';

const routeOptions = z.lazy(() =>
  z.strictObject({
    match: matchOptions
      .optional()
      .describe('Calls that the route applies to. By default all that no route before it takes.'),
    timeouts: routeTimeouts.optional().describe("Time limits of these calls. A call's own `timeouts` override them."),
    retry: z
      .literal(false)
      .or(routeRetry)
      .optional()
      .describe("Retries of these calls; `false`: none. A call's own `retry` overrides it."),
    pathRewrite: z
      .literal(false)
      .or(pathRewriteOptions)
      .optional()
      .describe('Changes the path of these calls, in place of the `pathRewrite` of the client; `false`: not at all.'),
    requestHeaders: z
      .literal(false)
      .or(requestHeadersOptions)
      .optional()
      .describe(
        'Changes the headers of these calls, in place of the `requestHeaders` of the client; `false`: not at all.',
      ),
    directResponse: directResponseOptions
      .optional()
      .describe('Answers these calls at once with a status, without sending them. Set it to block paths.'),
  }),
);

export const routesSection = z.lazy(() => z.array(routeOptions).min(1));

type RouteOptions = z.output<typeof routeOptions>;

/** The options of the policy `routes`: the retries of each route are completed by `retries`, those of the client. */
export function routesFor(list: readonly RouteOptions[], retries: RetryPlan) {
  return list.map(({ match, retry, ...others }) => ({
    match,
    options: Object.assign(
      nothing(),
      Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)),
      retry !== undefined && { retry: retry && planFor({ retry } as never, retries) },
    ),
  }));
}
