/** Answers calls of a route itself, without sending them. */
import { Readable } from 'node:stream';
import { AxiosHeaders } from 'axios';
import { z } from 'zod';
import { bodyData } from '../../call/answer.js';
import { statusError } from '../../call/errors.js';
import type { Request, Response } from '../../call/message.js';
import { callOf, routeOption } from '../../call/request.js';
import { definePolicy } from '../policy.js';

export const directResponseOptions = z.lazy(() =>
  z.strictObject({
    status: z
      .int()
      .min(200)
      .max(599)
      .describe('Status of the answer; from 400 the call fails with it, as with an answer of a server.'),
    body: z.string().default('').describe('Text of the answer. Empty by default.'),
  }),
);

type DirectResponse = z.output<typeof directResponseOptions>;

/** Answers the calls of routes that have a `directResponse`, as Envoy's `direct_response` does; nothing is sent. */
export const directResponse = definePolicy('directResponse', z.strictObject({}), () => ({
  wrap: (next) =>
    async function directResponse(request) {
      const answer = routeOption(request, 'directResponse') as DirectResponse | undefined;
      if (answer === undefined) return next(request);
      const response = responseOf(request, answer);
      if (answer.status >= 400) throw statusError(request, response);
      return response;
    },
}));

function responseOf(request: Request, { status, body }: DirectResponse): Response {
  const withoutBody = status === 204 || status === 304;
  const all = Buffer.from(withoutBody ? '' : body);
  const headers = new AxiosHeaders(
    all.length > 0 ? { 'content-type': 'text/plain', 'content-length': all.length } : {},
  );
  const bytes = callOf(request).method === 'HEAD' ? Buffer.alloc(0) : all;
  const data = request.responseType === 'stream' ? Readable.from([bytes]) : bodyData(bytes, request, headers);
  return { data, status, statusText: 'Direct response', headers, config: request, request: undefined };
}
