/** Removes, replaces, sets and adds headers of every call, whatever the caller has set. */
import { z } from 'zod';
import { withoutAuth } from '../../call/authorization.js';
import { copyHeaders, omitHeader, takeHeader } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { callOf, withCall } from '../../call/request.js';
import { headerName, headerValue } from '../../options/header.js';
import { rule } from '../../options/options.js';
import { definePolicy } from '../policy.js';
import { madeForRoutes } from './of-route.js';

type Headers = Request['headers'];

const byName = z.lazy(() => z.record(headerName, headerValue));

/** A request has one of these, and the transport refuses a second. */
const single = /^(host|content-length)$/i;

export const requestHeadersOptions = z.lazy(() =>
  z
    .strictObject({
      remove: z
        .array(headerName)
        .min(1)
        .optional()
        .describe(
          'Names of headers that are not sent, whoever has set them. Default: none. List those that the upstream must not see.',
        ),
      replace: byName
        .optional()
        .describe('Headers to set where the call has one of that name, and only there. Default: none.'),
      set: byName
        .optional()
        .describe(
          "Headers to set in place of the call's own. Default: none. `host` is the Host header, over HTTP/2 `:authority`; address, SNI and the name that is verified stay those of `baseURL` and `tls`.",
        ),
      add: z
        .record(headerName, headerValue.or(z.array(headerValue).min(1)))
        .optional()
        .describe(
          "Headers to add, each value as a line of its own after the call's own of that name. Default: none. Use it for headers that are lists.",
        ),
    })
    .refine(
      ({ add = {} }) => !Object.keys(add).some((name) => single.test(name)),
      rule(['add'], ['add'], 'a request has one host and one content-length: use set for host'),
    ),
);

type RequestHeadersOptions = z.output<typeof requestHeadersOptions>;

/**
 * Changes the headers of a call in the order `remove`, `replace`, `set`, `add`, once per call: retries, hedges and
 * mirrored copies have the changed ones. Like Envoy's `request_headers_to_remove` and `request_headers_to_add`, and the
 * Gateway API's `RequestHeaderModifier`. Headers made for each attempt, such as `traceparent`, are added later.
 */
export const requestHeaders = definePolicy('requestHeaders', requestHeadersOptions, (options) => {
  const changesFor = madeForRoutes('requestHeaders', options, changesOf, none);
  return {
    wrap: (next) =>
      function requestHeaders(original) {
        const request = withCall(original);
        const { changes, changed } = changesFor(request);
        if (changes.length === 0) return next(request);
        const headers = copyHeaders(request.headers);
        const bare = changed.has('authorization') ? withoutAuth(request, headers) : undefined;
        callOf(request).disown(changed);
        for (const change of changes) change(headers);
        return next({ ...request, ...bare, headers });
      },
  };
});

interface Changes {
  readonly changes: readonly ((headers: Headers) => void)[];
  /** Names of the headers that they change, in lower case. */
  readonly changed: ReadonlySet<string>;
}

const none: Changes = { changes: [], changed: new Set() };

function changesOf(options: RequestHeadersOptions): Changes {
  const { remove = [], replace = {}, set = {}, add = {} } = options;
  const changes = [
    ...remove.map((name) => (headers: Headers) => omitHeader(headers, name)),
    ...Object.entries(replace).map(([name, value]) => (headers: Headers) => {
      if (takeHeader(headers, name).length > 0) headers[name] = value;
    }),
    ...Object.entries(set).map(([name, value]) => (headers: Headers) => {
      takeHeader(headers, name);
      headers[name] = value;
    }),
    ...Object.entries(add).map(([name, value]) => (headers: Headers) => {
      const lines = [...takeHeader(headers, name), value].flat() as string[];
      headers[name] = lines.length === 1 ? (lines[0] as string) : lines;
    }),
  ];
  return { changes, changed: namesOf(options) };
}

function namesOf({ remove = [], ...byName }: RequestHeadersOptions): ReadonlySet<string> {
  const names = [...remove, ...Object.values(byName).flatMap((named) => Object.keys(named ?? {}))];
  return new Set(names.map((name) => name.toLowerCase()));
}
