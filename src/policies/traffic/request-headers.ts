/** Removes, replaces, sets and adds headers of every call, whatever the caller has set. */
import { z } from 'zod';
import { copyHeaders, nameIn } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { withCall } from '../../call/request.js';
import { headerName, headerValue } from '../../options/header.js';
import { rule } from '../../options/options.js';
import { definePolicy } from '../policy.js';

/** Of these a request has one or none, and the wire refuses a second one. */
const single = new Set(['host', 'content-length', 'content-type', 'authorization', 'user-agent']);

const byName = z.record(headerName, headerValue);

const lines = headerValue.or(z.array(headerValue).min(1));

export const requestHeadersOptions = z
  .strictObject({
    remove: z
      .array(headerName)
      .min(1)
      .optional()
      .describe('Names of headers that are not sent. By default none; use it for headers that the upstream must not see.'),
    replace: byName
      .optional()
      .describe('Headers to set where the call has one of that name, and only there. By default none.'),
    set: byName
      .optional()
      .describe(
        'Headers to set in place of those of the call. By default none. `host` sets the Host header, or `:authority` over HTTP/2; the address, SNI and the name in the certificate stay those of `baseURL` and `tls`.',
      ),
    add: z
      .record(headerName, lines)
      .optional()
      .describe(
        'Headers to add to those of the call: each value is a line of its own, after those of the same name. By default none.',
      ),
  })
  .refine(
    ({ add = {} }) => !Object.keys(add).some((name) => single.has(name.toLowerCase())),
    rule(['add'], ['add'], 'a request has one of host, content-length, content-type, authorization and user-agent: use set'),
  );

type Change = (headers: Request['headers']) => void;

/**
 * Changes the headers of a call in the order `remove`, `replace`, `set`, `add`, once per call: retries and hedges send
 * the same headers. Like Envoy's `request_headers_to_remove` and `request_headers_to_add`, and `RequestHeaderModifier`
 * of the Gateway API. Headers made for each attempt, such as `traceparent`, come after it.
 */
export const requestHeaders = definePolicy('requestHeaders', requestHeadersOptions, (options) => {
  const changes = changesOf(options);
  return {
    wrap: (next) =>
      function requestHeaders(original) {
        const request = withCall(original);
        const headers = copyHeaders(request.headers);
        for (const change of changes) change(headers);
        return next({ ...request, headers });
      },
  };
});

function changesOf({ remove = [], replace = {}, set = {}, add = {} }: z.output<typeof requestHeadersOptions>): Change[] {
  return [
    ...remove.map((name): Change => (headers) => void takeAll(headers, name)),
    ...Object.entries(replace).map(([name, value]): Change => {
      return (headers) => {
        if (takeAll(headers, name).length > 0) headers[name] = value;
      };
    }),
    ...Object.entries(set).map(([name, value]): Change => {
      return (headers) => {
        takeAll(headers, name);
        headers[name] = value;
      };
    }),
    ...Object.entries(add).map(([name, value]): Change => {
      return (headers) => {
        const all = [...takeAll(headers, name), value].flat();
        headers[name] = all.length === 1 ? all[0] : all;
      };
    }),
  ];
}

/** Takes a header out, in every spelling, and returns its values as they would have been sent. */
function takeAll(headers: Request['headers'], name: string): unknown[] {
  const values: unknown[] = [];
  for (let key = nameIn(headers, name); key !== undefined; key = nameIn(headers, name)) {
    const value: unknown = headers[key];
    delete headers[key];
    // axios sends none of these.
    if (value !== undefined && value !== null && value !== false) values.push(value);
  }
  return values.flat();
}
