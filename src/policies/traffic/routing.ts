/** Gives a call the options of the first route that it matches, such as time limits for some of the paths. */
import { z } from 'zod';
import type { CallRoute } from '../../call/record.js';
import { callOf, withCall } from '../../call/request.js';
import { definePolicy } from '../policy.js';
import { matchOptions, RuleList } from './match.js';

const routesOptions = z.lazy(() =>
  z.array(z.strictObject({ match: matchOptions.optional(), options: z.record(z.string(), z.unknown()) })),
);

/**
 * Notes on a call the options of the first route that it matches; the policies further down read their own. Like the
 * routes of one cluster in Envoy, which share its connections, limits and circuits. It is outermost, so that every other
 * policy sees the route.
 */
export const routes = definePolicy('routes', routesOptions, (list) => {
  const rules = new RuleList(list);
  const all = list.map(({ options }, index): CallRoute => ({ place: `routes.${index}`, options }));
  return {
    wrap: (next) =>
      function routes(original) {
        const request = withCall(original);
        callOf(request).route = all[rules.first(request)];
        return next(request);
      },
  };
});
