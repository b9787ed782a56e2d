/** Changes the path of a call before it is sent, as the routes of a proxy do. */
import { z } from 'zod';
import type { Request } from '../../call/message.js';
import { callOf, withCall } from '../../call/request.js';
import { resolveUrl } from '../../call/url.js';
import { definePolicy } from '../policy.js';
import { isRegExp, pathOf } from './match.js';
import { madeForRoutes } from './of-route.js';

export const pathRewriteOptions = z.lazy(() =>
  z
    .record(
      z.string().refine(isRegExp, { error: 'is not a regular expression' }),
      z
        .string()
        .describe('Text in place of each match; `$1` is the first group of the expression, `$$` is a dollar sign.'),
    )
    .refine((rules) => Object.keys(rules).length > 0, { error: 'has no rules' })
    .meta({ minProperties: 1 }),
);

type Rules = readonly (readonly [RegExp, string])[];

/**
 * Replaces each match of the first regular expression that the path of the call matches; the query stays. Like Envoy's
 * `prefix_rewrite` and `regex_rewrite`, and the option of the same name of http-proxy-middleware.
 */
export const pathRewrite = definePolicy('pathRewrite', pathRewriteOptions, (options) => {
  const rulesFor = madeForRoutes('pathRewrite', options, rulesOf, []);
  return {
    wrap: (next) =>
      function pathRewrite(original) {
        const request = withCall(original);
        return next(rewritten(request, rulesFor(request)));
      },
  };
});

function rulesOf(options: Readonly<Record<string, string>>): Rules {
  return Object.entries(options).map(([source, text]) => [new RegExp(source, 'g'), text]);
}

/** Moves the request and its call to the new path; the request is returned unchanged where no rule matches its path. */
function rewritten(request: Request, rules: Rules): Request {
  const call = callOf(request);
  const path = pathOf(call);
  const rule = rules.find(([pattern]) => path.search(pattern) >= 0);
  if (rule === undefined) return request;
  const [pattern, text] = rule;
  const changed = path
    .replace(pattern, text)
    .replace(/^(?!\/)/, '/')
    .replaceAll('#', '%23');
  // An absolute URL: axios would read a path such as `//host/x` as another host, or drop its first slash.
  const [baseURL = ''] = /^[^/]+\/\/[^/?#]*/.exec(call.href) ?? [];
  const url = baseURL + changed + call.path.slice(path.length);
  const options = { baseURL, url, params: undefined, allowAbsoluteUrls: true };
  const moved = { ...request, ...options };
  call.aim(resolveUrl(moved));
  return moved;
}
