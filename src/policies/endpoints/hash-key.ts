/** The key of a request for the strategy `hash`: the parts of the request that keep it at one endpoint. */
import { z } from 'zod';
import { cookieOf, getHeader } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { callOf } from '../../call/request.js';
import { headerName } from '../../options/header.js';
import { rule } from '../../options/options.js';

export const hashOn = z.lazy(() =>
  z
    .array(
      z
        .strictObject({
          header: headerName.optional().describe('Name of a request header.'),
          cookie: z.string().min(1).optional().describe('Name of a cookie in the request.'),
          query: z.string().min(1).optional().describe('Name of a parameter in the query of the URL.'),
          value: z.string().optional().describe('A fixed text, such as a last part for requests without the others.'),
          terminal: z
            .boolean()
            .default(false)
            .describe('Where the request has this part, the key ends with it. Default: false.'),
        })
        .refine(
          ({ header, cookie, query, value }) =>
            [header, cookie, query, value].filter((each) => each !== undefined).length === 1,
          rule(['header', 'cookie', 'query', 'value'], [], 'give exactly one of its options'),
        ),
    )
    .min(1),
);

interface HashOptions {
  readonly hashHeader?: string | undefined;
  readonly hashOn?: z.output<typeof hashOn> | undefined;
}

type Part = z.output<typeof hashOn>[number];

/** Reads the key of a request; the function returns undefined for a request that has none of the parts. */
export function hashKeyOf({ hashHeader, hashOn }: HashOptions): (request: Request) => string | undefined {
  const parts = hashOn ?? (hashHeader === undefined ? [] : [{ header: hashHeader, terminal: false }]);
  return (request) => {
    if (request.hashKey !== undefined) return request.hashKey;
    let key: string | undefined;
    for (const part of parts) {
      const found = read(request, part);
      if (found === undefined) continue;
      key = key === undefined ? found : `${key}\n${found}`;
      if (part.terminal) break;
    }
    return key;
  };
}

function read(request: Request, { header, cookie, query, value }: Part): string | undefined {
  if (header !== undefined) return getHeader(request.headers, header);
  if (cookie !== undefined) return cookieOf(request.headers, cookie);
  if (query !== undefined) return new URL(callOf(request).href).searchParams.get(query) ?? undefined;
  return value;
}
