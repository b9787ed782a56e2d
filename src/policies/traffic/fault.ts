/** Injects delays and failures, to test how the other policies and the service handle them. */
import { Readable } from 'node:stream';
import { AxiosError, AxiosHeaders } from 'axios';
import { z } from 'zod';
import { discard, isStream } from '../../call/body.js';
import { statusError } from '../../call/errors.js';
import type { Request, Response } from '../../call/message.js';
import { callOf } from '../../call/request.js';
import { waitUnlessAborted } from '../../call/wait.js';
import { duration } from '../../options/duration.js';
import { definePolicy } from '../policy.js';
import { matcherOf, matchOptions } from './match.js';
import { seeded } from './random.js';

const fraction = z.lazy(() =>
  z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of the attempts that get this fault, from 0 to 1. Default 1, which is every attempt.'),
);

export const faultOptions = z.lazy(() =>
  z.strictObject({
    delay: z
      .strictObject({
        duration: duration({ min: 1 }).describe('Time by which an attempt is delayed, before anything is sent.'),
        fraction,
      })
      .optional()
      .describe('Delays attempts, as a slow upstream would.'),
    abort: z
      .strictObject({
        status: z.int().min(200).max(599).describe('Status of the response; from 400 the attempt fails with it.'),
        fraction,
      })
      .optional()
      .describe('Answers attempts with a status and an empty body, without sending them.'),
    reset: z
      .strictObject({ fraction })
      .optional()
      .describe('Fails attempts with `ECONNRESET`, as if the connection had been reset, without sending them.'),
    truncate: z
      .strictObject({ fraction })
      .optional()
      .describe(
        'Breaks off response bodies: a stream fails with `ECONNRESET` after its first chunk, a buffered response fails as a whole.',
      ),
    match: matchOptions.optional().describe('Calls that the faults apply to. By default all.'),
    seed: z
      .int()
      .min(0)
      .max(4_294_967_295)
      .optional()
      .describe(
        'Seed of the random numbers, which makes every run inject the same faults. Random by default. Set it in tests.',
      ),
    allowInProduction: z
      .boolean()
      .default(false)
      .describe(
        'Inject faults even if NODE_ENV is `production`. Default false: there the section is ignored, with a warning in the log.',
      ),
  }),
);

export type FaultOptions = z.output<typeof faultOptions>;

/** False in production, unless the options allow faults there. */
export function isFaultAllowed({ allowInProduction }: FaultOptions): boolean {
  return allowInProduction || process.env.NODE_ENV !== 'production';
}

/**
 * Injects faults right above the wire, so they are retried, hedged, logged and counted by circuits like real ones
 * (Envoy's fault filter runs before the router instead). Each fault is drawn independently: delay, then reset, then
 * abort, then truncate.
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
  return waitUnlessAborted(request, (end) => {
    const timer = setTimeout(end, ms);
    return () => clearTimeout(timer);
  });
}

function reset(request: Request): AxiosError {
  return new AxiosError('The connection was reset (by the fault policy).', 'ECONNRESET', request);
}

/** Empty bodies by `responseType`; any other type gets an empty string. */
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

/** A buffered body cannot be truncated: the whole response fails, as it does when a connection breaks off. */
function truncated(response: Response, request: Request): Response {
  const { data } = response;
  if (!isStream(data)) throw reset(request);
  const broken = Readable.from(firstOf(data, request), { objectMode: false });
  // The generator only ends its source while it is read; an unread stream that is closed must discard the response
  // itself.
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
