/** One line for each finished call, from an allow-list of fields; a debug line for each attempt. */
import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import { classify } from '../../call/failure.js';
import { harmless } from '../../call/harmless.js';
import { defaultLogger, type Logger } from '../../call/logger.js';
import type { Response } from '../../call/message.js';
import type { Call, CallView } from '../../call/record.js';
import { callOf, withCall } from '../../call/request.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { type CallRecord, type LogProfile, logProfileNames, logProfiles } from './log-fields.js';

export const loggingOptions = z.strictObject({
  profile: z
    .enum(logProfileNames)
    .default('otel')
    .describe('Field names: OpenTelemetry, Elastic, Datadog or Google Cloud.'),
  successSampleRate: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of lines kept for calls that went well at the first attempt; all others are always logged.'),
});

type LoggingOptions = z.output<typeof loggingOptions>;
type Level = 'info' | 'warn' | 'error';

/** What a call came to: its response or its error. */
interface Outcome {
  response?: Response | undefined;
  error?: { code?: string; message?: string } | undefined;
}

/** One line for each finished call to the logger of the context (by default pino, to stderr), debug lines for attempts. */
export const logging = definePolicy('logging', loggingOptions, (options, context) => {
  const logger = context.logger ?? defaultLogger();
  const log = (call: Call, outcome: Outcome) => writeLine(call, outcome, options, logger, context.random);
  return {
    wrap: (next) =>
      async function logging(original) {
        const request = withCall(original);
        const call = callOf(request);
        try {
          const response = await next(request);
          log(call, { response });
          return response;
        } catch (error) {
          if (classify(error) === 'cancelled') call.flag('cancelled');
          log(call, { error: (error ?? {}) as Error, response: responseOf(error) });
          throw error;
        }
      },
    close: logAttempts(logger, context, logProfiles[options.profile]),
  };
});

function writeLine(call: Call, outcome: Outcome, options: LoggingOptions, logger: Logger, random: () => number): void {
  harmless(() => {
    const level = levelOf(outcome, call);
    const uneventful = level === 'info' && call.flags.length === 0;
    if (uneventful && options.successSampleRate < 1 && random() >= options.successSampleRate) return undefined;
    if (logger.isLevelEnabled?.(level) === false) return undefined;
    return logger[level](logProfiles[options.profile](record(call, outcome)), messageOf(call, outcome));
  });
}

/** 2xx and 3xx info, 4xx warn, 5xx and everything without an answer error; a caller who gave up is no error. */
function levelOf({ response, error }: Outcome, call: Call): Level {
  if (error === undefined || call.flags.includes('cancelled')) return 'info';
  return response !== undefined && response.status < 500 ? 'warn' : 'error';
}

function messageOf({ method }: Call, { response, error }: Outcome): string {
  return `${method} ${response?.status ?? error?.code ?? 'failed'}`;
}

function record(call: CallView, { response, error }: Outcome): CallRecord {
  const { client, method, origin, attempts, requestId, traceId, spanId, flags, tried } = call;
  return {
    client,
    method,
    url: call.shownUrl,
    destination: origin,
    route: call.routeName,
    status: response?.status,
    // A status says it better than axios's ERR_BAD_RESPONSE, unless the user's `validateResponse` refused a success.
    code: response === undefined || response.status < 400 ? error?.code : undefined,
    message: response === undefined ? error?.message : undefined,
    durationMs: microseconds(call.elapsed()),
    attempts,
    requestId,
    traceId,
    spanId,
    responseSize: call.responseSize ?? contentLength(response),
    endpoints: tried.length > 0 ? tried.map(({ address }) => address) : undefined,
    flags: flags.length > 0 ? flags : undefined,
  };
}

/** What the server said, where the wire did not count. */
function contentLength(response: Response | undefined): number | undefined {
  const value = Number(response?.headers?.['content-length'] ?? Number.NaN);
  return Number.isInteger(value) ? value : undefined;
}

/** Milliseconds to three places. */
function microseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Debug lines for attempts, while the logger wants them, with the field names of the profile; returns a function that stops them. */
function logAttempts(logger: Logger, { events }: PolicyContext, profile: LogProfile): () => void {
  return events.on('attempt.ended', ({ call, attempt, status, code, durationMs }) => {
    if (logger.isLevelEnabled?.('debug') === false) return;
    const endpoint = call.tried.at(-1);
    const fields = profile({
      ...record(call, {}),
      status,
      code: status === undefined ? code : undefined,
      durationMs: microseconds(durationMs),
      attempts: attempt,
      responseSize: undefined,
      endpoints: endpoint && [endpoint.address],
      flags: undefined,
    });
    return logger.debug(fields, `attempt ${attempt} ${status ?? code}`);
  });
}
