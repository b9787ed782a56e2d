/** Copies a share of the calls to another target; the outcome of a copy never affects the call. */
import { AxiosError, CanceledError } from 'axios';
import { z } from 'zod';
import { isStream, onBodyEnd, responseOf } from '../../call/body.js';
import { type AttemptOutcome, type MirrorRefusal, silentEvents } from '../../call/events.js';
import { healthOf } from '../../call/failure.js';
import { harmless } from '../../call/harmless.js';
import { copyHeaders, getHeader, omitHeader, setHeader } from '../../call/headers.js';
import type { Request, Response, Transport } from '../../call/message.js';
import { Call } from '../../call/record.js';
import { isShareable } from '../../call/repeatable.js';
import { callOf, requestOf, withCall } from '../../call/request.js';
import { Scope } from '../../call/scope.js';
import { bounded, type TimeLimit } from '../../call/time-limit.js';
import { url } from '../../options/base-url.js';
import { duration } from '../../options/duration.js';
import { headerName, headerValue } from '../../options/header.js';
import { Circuit, type CircuitStats, circuitBreakerOptions } from '../circuit.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { inClientSpan, isTraced } from '../spans.js';
import { matchOptions, RuleList } from './match.js';
import { rebased } from './rebase.js';

const mirrorTarget = z.lazy(() =>
  z.strictObject({
    baseURL: url.describe('Base URL of the target, which replaces the `baseURL` of the call in the copy.'),
    fraction: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe(
        'Share of the calls that is copied, from 0 to 1. Default 1, which is every call. Lower it to spare the target.',
      ),
    match: matchOptions
      .optional()
      .describe('Calls that are copied. By default all, except POST and PATCH without `unsafeMethods`.'),
    hostSuffix: z
      .boolean()
      .default(true)
      .describe(
        "Send the call's own Host header with `-shadow` appended, as Envoy does. Default true; `false`: the Host of `baseURL`, for targets that route by host name.",
      ),
    unsafeMethods: z
      .boolean()
      .default(false)
      .describe(
        'Copy POST and PATCH calls too. Default false, because their effects happen twice if the target shares data with the upstream.',
      ),
    keepCredentials: z
      .boolean()
      .default(false)
      .describe(
        'Keep the headers Authorization, Proxy-Authorization and Cookie in the copy. Default false, so that credentials do not reach the target.',
      ),
    headers: z
      .record(headerName, headerValue)
      .optional()
      .describe('Headers to set on the copy, in addition to those of the call or in their place.'),
    removeHeaders: z
      .array(headerName)
      .default([])
      .describe('Names of headers of the call to leave out of the copy. By default none besides credentials.'),
    timeout: duration({ min: 1 }).prefault('5s').describe('Time limit of a copy, response body included. Default 5s.'),
    maxConcurrent: z
      .int()
      .min(1)
      .max(65_535)
      .default(64)
      .describe(
        'Most copies in flight at once; further ones are skipped. Default 64. Raise it if stats show copies skipped for `overflow`.',
      ),
  }),
);

export const mirrorOptions = z.lazy(() => z.array(mirrorTarget).min(1));

type MirrorOptions = z.output<typeof mirrorTarget>;

const credentials = ['authorization', 'proxy-authorization', 'cookie'];
/**
 * Methods that are copied by default, because repeating an idempotent call does no harm even at a target with shared
 * data.
 */
const copied = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY']);

/**
 * Sends copies of calls, decided once per call, right after the call itself is sent; their responses are read and
 * discarded. Copies have limits, a circuit and a timeout of their own and bypass all other policies. Like Envoy's
 * `request_mirror_policies`, but without credentials. A call whose body is a stream cannot be copied; it counts as
 * skipped.
 */
export const mirror = definePolicy('mirror', mirrorOptions, (targets, context) => {
  const mirrors = targets.map((options) => new Mirror(options, context));
  const rules = new RuleList(targets);
  return {
    wrap: (next, wire) =>
      function mirror(original) {
        const request = withCall(original);
        for (const index of rules.all(request)) harmless(() => mirrors[index]?.offer(request, wire));
        return next(request);
      },
    stats: () => Object.fromEntries(mirrors.map((each) => [each.target, each.stats()])),
    close: () => {
      for (const each of mirrors) each.close();
    },
  };
});

/** One mirror target with its limits, its circuit and its counters. */
class Mirror {
  readonly target: string;
  readonly #options: MirrorOptions;
  readonly #context: PolicyContext;
  readonly #circuit: Circuit;
  /** Aborts the copies in flight when the mirror is closed. */
  readonly #scope = new Scope();
  readonly #counts = { sent: 0, succeeded: 0, failed: 0, skipped: { stream: 0, overflow: 0, circuit: 0 } };
  #active = 0;

  constructor(options: MirrorOptions, context: PolicyContext) {
    const { origin, pathname } = new URL(options.baseURL);
    this.target = origin + (pathname === '/' ? '' : pathname);
    this.#options = options;
    this.#context = context;
    // Silent, because its events would look like those of the client's own circuits.
    this.#circuit = new Circuit(this.target, circuitBreakerOptions.parse({}), { ...context, events: silentEvents });
  }

  /** Sends a copy of a call that matches, if it is selected, in a later tick so that the call itself is sent first. */
  offer(request: Request, wire: Transport): void {
    const { unsafeMethods, fraction } = this.#options;
    if (!(unsafeMethods || copied.has(callOf(request).method))) return;
    if (this.#context.random() >= fraction) return;
    if (!isShareable(request)) {
      this.#skip('stream');
      return;
    }
    setImmediate(() => void this.#send(request, wire).catch(() => {}));
  }

  #skip(reason: MirrorRefusal): void {
    this.#counts.skipped[reason]++;
    const { client, events } = this.#context;
    events.emit('mirror.skipped', { client, target: this.target, reason });
  }

  async #send(request: Request, wire: Transport): Promise<void> {
    const copy = this.#scope.aborted ? undefined : this.#copyOf(request);
    if (copy === undefined) return;
    const pass = this.#active >= this.#options.maxConcurrent ? 'overflow' : this.#circuit.admit(0);
    if (pass === 'overflow' || typeof pass === 'number') {
      this.#skip(pass === 'overflow' ? 'overflow' : 'circuit');
      return;
    }
    this.#active++;
    this.#counts.sent++;
    try {
      const response = await this.#limited(copy, wire);
      this.#circuit.settle(pass, 'success');
      this.#counts.succeeded++;
      this.#end(response, { status: response.status });
    } catch (error) {
      const response = responseOf(error);
      this.#circuit.settle(pass, healthOf(error, true));
      this.#counts.failed++;
      this.#end(response, { status: response?.status, code: (error as { code?: string } | undefined)?.code });
    }
  }

  #limited(copy: Request, wire: Transport): Promise<Response> {
    const { timeout } = this.#options;
    const send: Transport = (request) =>
      isTraced() ? inClientSpan(request, { prefix: 'mirror', attributes: {}, propagation: true }, wire) : wire(request);
    return bounded(send, copy, timeout, tooLong);
  }

  #end(response: Response | undefined, outcome: AttemptOutcome): void {
    if (response !== undefined) drain(response);
    onBodyEnd(response, () => {
      this.#active--;
    });
    const { client, events } = this.#context;
    events.emit('mirror.ended', { client, target: this.target, ...outcome });
  }

  /** The copy, with a call record of its own; undefined where the call's URL is not under its base URL. */
  #copyOf(request: Request): Request | undefined {
    const call = callOf(request);
    const moved = rebased(request, call, this.#options.baseURL);
    if (moved === undefined) return undefined;
    const own: Partial<Request> = {
      ...moved.options,
      headers: this.#headersOf(request, call),
      signal: this.#scope,
      responseType: 'stream',
      decompress: false,
      timeout: 0,
      maxRedirects: 0,
    };
    const copy = Object.assign(requestOf(request, new Call(request, call.client, moved.target)), own);
    for (const foreign of ['auth', 'onUploadProgress', 'onDownloadProgress', 'beforeRedirect'] as const)
      if (foreign !== 'auth' || !this.#options.keepCredentials) delete copy[foreign];
    return copy;
  }

  #headersOf(request: Request, call: Call): Request['headers'] {
    const { keepCredentials, removeHeaders, headers = {}, hostSuffix } = this.#options;
    const own = copyHeaders(request.headers);
    const host = getHeader(own, 'host') ?? new URL(call.origin).host;
    for (const name of ['host', ...(keepCredentials ? [] : credentials), ...removeHeaders]) omitHeader(own, name);
    if (hostSuffix) setHeader(own, 'Host', shadowOf(host));
    for (const [name, value] of Object.entries(headers)) setHeader(own, name, value);
    return own;
  }

  stats(): MirrorStats {
    return {
      ...this.#counts,
      skipped: { ...this.#counts.skipped },
      active: this.#active,
      circuit: this.#circuit.state,
    };
  }

  close(): void {
    this.#scope.abort(new CanceledError('The mirror to this target was closed.'));
    this.#circuit.forget();
  }
}

/** Appends `-shadow` before the port, as Envoy does. */
function shadowOf(host: string): string {
  return host.replace(/(:\d+)?$/, '-shadow$1');
}

/** Reads the body to its end, so that the connection can be reused. */
function drain({ data }: Response): void {
  if (!isStream(data)) return;
  data.on('error', () => {});
  data.resume();
}

/** Copies to one target. */
export interface MirrorStats {
  readonly sent: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Calls that were not copied, by reason. */
  readonly skipped: Readonly<Record<MirrorRefusal, number>>;
  /** Copies in flight. */
  readonly active: number;
  readonly circuit: CircuitStats['state'];
}

const tooLong: TimeLimit = {
  until: 'body',
  expired: (copy, ms) => new AxiosError(`The mirrored copy did not end within ${ms} ms.`, AxiosError.ETIMEDOUT, copy),
};
