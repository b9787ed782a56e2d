/** Makes delays and failures on purpose, to see what the rest of the stack, and the service, make of them. */
import { Readable } from 'node:stream';
import { AxiosError, AxiosHeaders } from 'axios';
import { z } from 'zod';
import { discard, isStream } from '../../call/body.js';
import { statusError } from '../../call/errors.js';
import type { Request, Response } from '../../call/message.js';
import { callOf } from '../../call/record.js';
import { abortError } from '../../call/scope.js';
import { duration } from '../../options/options.js';
import { definePolicy } from '../policy.js';
import { matcherOf, matchOptions } from './match.js';
import { seeded } from './random.js';

const fraction = z.number().min(0).max(1).default(1).describe('Share of the attempts.');

export const faultOptions = z.strictObject({
  delay: z
    .strictObject({ duration: duration({ min: 1 }).describe('How long.'), fraction })
    .optional()
    .describe('Attempts held up.'),
  abort: z
    .strictObject({ status: z.int().min(200).max(599).describe('What is answered.'), fraction })
    .optional()
    .describe('Attempts that are answered without being sent.'),
  reset: z.strictObject({ fraction }).optional().describe('Attempts that end as if the connection had been reset.'),
  truncate: z
    .strictObject({ fraction })
    .optional()
    .describe('Answers whose body breaks off: a stream after its first chunk, a buffered one as the reset it is then.'),
  match: matchOptions.optional().describe('Only these calls; all where nothing is said.'),
  seed: z.int().min(0).max(4_294_967_295).optional().describe('Makes the same choices in each run.'),
  allowInProduction: z
    .boolean()
    .default(false)
    .describe('Without it the section is off, with a warning, where NODE_ENV is `production`.'),
});

export type FaultOptions = z.output<typeof faultOptions>;

/** Off in production, unless somebody has said otherwise. */
export function isFaultAllowed({ allowInProduction }: FaultOptions): boolean {
  return allowInProduction || process.env.NODE_ENV !== 'production';
}

/**
 * Stands where the upstream would be: what it does is retried, hedged, counted by circuits and logged like the real thing
 * (Envoy's fault filter stands before the router instead). Each fault is drawn by itself: delay, then reset, then abort,
 * then truncate.
 */
export const fault = definePolicy('fault', faultOptions, (options, { events, random: foreign }) => {
  const random = options.seed === undefined ? foreign : seeded(options.seed);
  const matches = matcherOf(options.match);
  const counts = { delay: 0, abort: 0, reset: 0, truncate: 0 };
  const strikes = (kind: keyof typeof counts, request: Request): boolean => {
    const section = options[kind];
    if (section === undefined || random() >= section.fraction) return false;
    counts[kind]++;
    const call = callOf(request);
    call.flag('fault');
    events.emit('fault.injected', { call, fault: kind });
    return true;
  };
  return {
    wrap: (next) =>
      async function fault(request) {
        if (!matches(request)) return next(request);
        if (strikes('delay', request)) await delayed(options.delay?.duration ?? 0, request);
        if (strikes('reset', request)) throw reset(request);
        if (strikes('abort', request)) return answer(request, options.abort?.status ?? 503);
        const response = await next(request);
        return strikes('truncate', request) ? truncated(response, request) : response;
      },
    stats: (): FaultStats => ({ ...counts }),
  };
});

function delayed(ms: number, request: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    const abort = () => {
      clearTimeout(timer);
      if (signal !== undefined) reject(abortError(signal, request));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener?.('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener?.('abort', abort, { once: true });
    if (signal?.aborted) abort();
  });
}

function reset(request: Request): AxiosError {
  return new AxiosError('The connection was reset (a fault made on purpose).', 'ECONNRESET', request);
}

/** What there is in place of text. */
const emptyBodies: Record<string, () => unknown> = {
  stream: () => Readable.from([]),
  arraybuffer: () => Buffer.alloc(0),
};

function answer(config: Request, status: number): Response {
  const headers = new AxiosHeaders();
  const data = emptyBodies[config.responseType ?? '']?.() ?? '';
  const response = { data, status, statusText: 'Fault', headers, config, request: undefined };
  if (status >= 400) throw statusError(config, response);
  return response;
}

/** A buffered body is all there or not at all. */
function truncated(response: Response, request: Request): Response {
  const { data } = response;
  if (!isStream(data)) throw reset(request);
  const broken = Readable.from(firstOf(data, request), { objectMode: false });
  // One that nobody reads never gets to the end of its source.
  broken.once('close', () => discard(response));
  return { ...response, data: broken };
}

async function* firstOf(body: Readable, request: Request): AsyncGenerator<unknown> {
  for await (const chunk of body) {
    yield chunk;
    throw reset(request);
  }
}

/** Faults injected so far. */
export interface FaultStats {
  readonly delay: number;
  readonly abort: number;
  readonly reset: number;
  readonly truncate: number;
}
