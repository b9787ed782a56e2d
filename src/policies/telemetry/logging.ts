/** One line for each finished call, from an allow-list of fields; a debug line for each attempt; one for each transition. */
import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import type { ClientEvents } from '../../call/events.js';
import { causeOf, classify, errorTypeOf, isTurnedAway } from '../../call/failure.js';
import { harmless } from '../../call/harmless.js';
import { defaultLogger, type Logger, logLevels, logProfileNames } from '../../call/logger.js';
import type { Response } from '../../call/message.js';
import { type OutcomeReceiver, Passage } from '../../call/receiver.js';
import type { Call, CallView } from '../../call/record.js';
import { redactText } from '../../call/redact.js';
import { callOf, withCall } from '../../call/request.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { activeSpan } from '../spans.js';
import { LineLimit, type WriteLine } from './line-limit.js';
import { type CallRecord, causeFields, eventFields, logProfiles, ownFields } from './log-fields.js';
import { followTransitions, type Transition } from './transitions.js';

const sampleRate = z.lazy(() => z.number().min(0).max(1).default(1));

export const loggingOptions = z.lazy(() =>
  z.strictObject({
    profile: z
      .enum(logProfileNames)
      .default('otel')
      .describe('Field names: OpenTelemetry, Elastic, Datadog or Google Cloud.'),
    level: z
      .enum(logLevels)
      .optional()
      .describe(
        'Lines below this level are not written. Default: what the logger takes; without a logger the environment variable `LOG_LEVEL`, else `warn`. Set it to `info` to see calls that went well and circuits that closed, to `debug` to see attempts.',
      ),
    successSampleRate: sampleRate.describe(
      'Share of lines kept for calls that went well at the first attempt; calls on whose way something happened always have one.',
    ),
    failureSampleRate: sampleRate.describe(
      'Share of lines kept for calls that failed. Default 1. Calls that this process turned away are not sampled but counted: one line a second for each destination and code. Metrics and stats count every call.',
    ),
    gcpProject: z
      .string()
      .min(1)
      .optional()
      .describe(
        'With the profile `gcp`: id of the Google Cloud project whose traces the lines belong to. Default: the environment variable `GOOGLE_CLOUD_PROJECT`.',
      ),
  }),
);

type LoggingOptions = z.output<typeof loggingOptions>;
type Level = 'debug' | 'info' | 'warn' | 'error';

/** What a call came to: its response or its error. */
interface Outcome {
  response?: Response | undefined;
  error?: { code?: string; message?: string } | undefined;
}

/** Handed over on an update, so that each event has one line although calls in flight keep the old policy alive. */
interface Following {
  stop: () => void;
  by: Lines | undefined;
}

/**
 * One line for each finished call to the logger of the context (by default pino, to stderr), debug lines for attempts, and
 * one line for each transition: circuits, endpoints, lookups, certificates, updates. Calls that this process turned away
 * have one line a second for each destination and code, with their number and the failure that caused it.
 */
export const logging = definePolicy<typeof loggingOptions, Following>(
  'logging',
  loggingOptions,
  (options, context, before) => {
    const lines = new Lines(options, context);
    const following = before ?? { stop: () => {}, by: undefined };
    const follow = () => {
      if (following.by === lines) return;
      following.stop();
      Object.assign(following, { by: lines, stop: lines.follow(context) });
    };
    // One that takes another's place begins when its generation comes into force.
    if (before === undefined) follow();
    return {
      pass: (next) =>
        function logging(original, receiver) {
          const request = withCall(original);
          next(request, new Logged(receiver, lines, callOf(request)));
        },
      start: follow,
      state: following,
      close: () => {
        if (following.by === lines) following.stop();
        lines.flush();
      },
    };
  },
);

/** A call that will have a line. */
class Logged extends Passage {
  readonly #lines: Lines;
  readonly #call: Call;

  constructor(outer: OutcomeReceiver, lines: Lines, call: Call) {
    super(outer);
    this.#lines = lines;
    this.#call = call;
  }

  protected onAnswer(response: Response): void {
    this.#lines.ofCall(this.#call, { response });
  }

  protected onFailure(error: unknown): unknown {
    if (classify(error) === 'cancelled') this.#call.flag('cancelled');
    this.#lines.ofCall(this.#call, { error: (error ?? {}) as Error, response: responseOf(error) });
    return error;
  }
}

/** Writes the lines of one client. */
class Lines {
  readonly #options: LoggingOptions;
  readonly #client: string;
  readonly #random: () => number;
  readonly #logger: Logger;
  readonly #threshold: number;
  readonly #gcpProject: string | undefined;
  readonly #refusals = new LineLimit();
  readonly #transitions = new LineLimit();

  constructor(options: LoggingOptions, { client, logger, random }: PolicyContext) {
    const { profile, level, gcpProject } = options;
    this.#options = options;
    this.#client = client;
    this.#random = random;
    this.#logger = logger ?? defaultLogger(profile, level);
    this.#threshold = logLevels.indexOf(level ?? 'debug');
    this.#gcpProject = profile === 'gcp' ? (gcpProject ?? (process.env.GOOGLE_CLOUD_PROJECT || undefined)) : undefined;
  }

  /** Writes lines of attempts and transitions, until the function returned is called. */
  follow({ events }: PolicyContext): () => void {
    const stops = [followTransitions(events, (transition) => this.#ofTransition(transition))];
    if (this.#threshold === 0) stops.push(events.on('attempt.ended', (event) => this.#ofAttempt(event)));
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Writes what was counted. */
  flush(): void {
    this.#refusals.flush();
    this.#transitions.flush();
  }

  ofCall(call: Call, outcome: Outcome): void {
    harmless(() => {
      const level = levelOf(outcome, call);
      const isRefused = isTurnedAway({ status: outcome.response?.status, code: outcome.error?.code });
      if ((!isRefused && this.#isSampledOut(call, level)) || !this.#wants(level)) return undefined;
      if (isRefused) return this.#ofRefusal(call, outcome);
      const fields = logProfiles[this.#options.profile](this.#record(call, outcome));
      return this.#logger[level](fields, messageOf(call, outcome));
    });
  }

  #wants(level: Level): boolean {
    return logLevels.indexOf(level) >= this.#threshold && this.#logger.isLevelEnabled?.(level) !== false;
  }

  #isSampledOut({ flags }: Call, level: Level): boolean {
    const { successSampleRate, failureSampleRate } = this.#options;
    const rate = level !== 'info' ? failureSampleRate : flags.length === 0 ? successSampleRate : 1;
    return rate < 1 && this.#random() >= rate;
  }

  /** A call that was turned away: the first of a second for its destination and code has its line at once. */
  #ofRefusal(call: Call, outcome: Outcome): void {
    const code = outcome.error?.code as string;
    this.#refusals.add(`${code} ${call.origin}`, code, (isOwn) => this.#refusalLine(call, outcome, code, isOwn));
  }

  #refusalLine(call: Call, outcome: Outcome, code: string, isOwn: boolean): WriteLine {
    const { profile } = this.#options;
    // Made now, as the line is about this moment; it holds on to neither the call nor its error.
    const fields = isOwn
      ? logProfiles[profile](this.#record(call, outcome))
      : eventFields(profile, { event: 'calls.refused', client: this.#client, errorType: code });
    const cause = isOwn ? causeFields(call.refusedFor ?? inner(outcome.error)) : {};
    const single = messageOf(call, outcome);
    return (calls) => {
      const told = Object.assign(fields, ownFields(profile, { calls, ...cause }));
      this.#write('error', told, calls === 1 ? single : `${calls} calls ${code}`);
    };
  }

  #ofTransition(transition: Transition): void {
    const { level, event, client, message } = transition;
    // A shared identity writes its lines itself.
    if (transition.shared || !this.#wants(level)) return;
    const { profile } = this.#options;
    this.#transitions.add(undefined, event, (isOwn) => {
      if (isOwn) return () => this.#write(level, eventFields(profile, transition), message);
      return (times) => {
        const fields = eventFields(profile, { event, client, details: { times } });
        this.#write(level, fields, `${times} more of ${event}`);
      };
    });
  }

  /** A debug line with the field names of the profile, and the ids of the attempt's own span. */
  #ofAttempt({ call, attempt, status, code, durationMs }: ClientEvents['attempt.ended']): void {
    if (this.#logger.isLevelEnabled?.('debug') === false) return;
    const endpoint = call.tried.at(-1);
    const fields = logProfiles[this.#options.profile]({
      ...this.#record(call, {}),
      ...activeSpan(),
      status,
      code: status === undefined ? code : undefined,
      errorType: errorTypeOf({ status, code }),
      durationMs: microseconds(durationMs),
      attempts: attempt,
      responseSize: undefined,
      endpoints: endpoint && [endpoint.address],
      flags: undefined,
      retryRefused: undefined,
    });
    this.#write('debug', fields, `attempt ${attempt} ${status ?? code}`);
  }

  #write(level: Level, fields: Record<string, unknown>, message: string): void {
    harmless(() => this.#logger[level](fields, message));
  }

  #record(call: CallView, { response, error }: Outcome): CallRecord {
    const { client, method, origin, attempts, requestId, traceId, spanId, traceSampled, flags, tried } = call;
    const status = response?.status;
    return {
      client,
      method,
      url: call.shownUrl,
      destination: origin,
      route: call.routeName,
      status,
      // A status says it better than axios's ERR_BAD_RESPONSE, unless the user's `validateResponse` refused a success.
      code: status === undefined || status < 400 ? error?.code : undefined,
      message: response === undefined && error?.message !== undefined ? redactText(String(error.message)) : undefined,
      errorType: errorTypeOf({ status, code: error?.code }),
      durationMs: microseconds(call.elapsed()),
      attempts,
      requestId,
      traceId,
      spanId,
      traceSampled,
      gcpProject: this.#gcpProject,
      responseSize: call.responseSize ?? contentLength(response),
      endpoints: tried.length > 0 ? tried.map(({ address }) => address) : undefined,
      flags: flags.length > 0 ? flags : undefined,
      retryRefused: call.retryRefused,
    };
  }
}

/** 2xx and 3xx info, 4xx warn, 5xx and everything without an answer error; a caller who gave up is no error. */
function levelOf({ response, error }: Outcome, call: Call): 'info' | 'warn' | 'error' {
  if (error === undefined || call.flags.includes('cancelled')) return 'info';
  return response !== undefined && response.status < 500 ? 'warn' : 'error';
}

function messageOf({ method }: Call, { response, error }: Outcome): string {
  return `${method} ${response?.status ?? error?.code ?? 'failed'}`;
}

/** The cause of an error, such as the failed lookup of one without an endpoint. */
function inner(error: Outcome['error']) {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause === undefined ? undefined : causeOf(cause);
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
