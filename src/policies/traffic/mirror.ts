/** Copies a share of the calls to another target; what becomes of a copy changes nothing for the call. */
import { AxiosError, CanceledError } from 'axios';
import { z } from 'zod';
import { isStream, onBodyEnd, responseOf } from '../../call/body.js';
import { type AttemptOutcome, type MirrorRefusal, silentEvents } from '../../call/events.js';
import { healthOf, isReplayable } from '../../call/failure.js';
import { harmless } from '../../call/harmless.js';
import { copyHeaders, getHeader, nameIn, setHeader } from '../../call/headers.js';
import type { Request, Response, Transport } from '../../call/message.js';
import { Call, callOf, requestOf, withCall } from '../../call/record.js';
import { bounded, Scope } from '../../call/scope.js';
import { url } from '../../options/base-url.js';
import { duration, headerName, headerValue } from '../../options/options.js';
import { Circuit, circuitBreakerOptions } from '../circuit.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { inClientSpan, isTraced } from '../spans.js';
import { matcherOf, matchOptions } from './match.js';
import { rebased } from './rebase.js';

const mirrorTarget = z.strictObject({
  baseURL: url.describe('In place of the one of the call.'),
  fraction: z.number().min(0).max(1).default(1).describe('Share of the calls that is copied.'),
  match: matchOptions.optional().describe('Only these calls; all where nothing is said.'),
  hostSuffix: z
    .boolean()
    .default(true)
    .describe("Send the call's own Host with `-shadow` appended, as Envoy does; `false`: the Host of `baseURL`."),
  unsafeMethods: z.boolean().default(false).describe('Copy POST and PATCH too: whatever they do is done twice.'),
  keepCredentials: z.boolean().default(false).describe('Copy Authorization, Proxy-Authorization and Cookie too.'),
  headers: z.record(headerName, headerValue).optional().describe('Set on the copy.'),
  removeHeaders: z.array(headerName).default([]).describe('Not on the copy.'),
  timeout: duration({ min: 1 }).prefault('5s').describe('How long a copy may take, its body included.'),
  maxConcurrent: z.int().min(1).max(65_535).default(64).describe('Copies under way at once; more are not sent.'),
});

export const mirrorOptions = z.array(mirrorTarget).min(1);

type MirrorOptions = z.output<typeof mirrorTarget>;

const credentials = ['authorization', 'proxy-authorization', 'cookie'];
/** Harmless to send twice: what idempotent calls change is changed at the target as well. */
const copied = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY']);

/**
 * Sends copies of calls, decided once per call, after the call itself has been sent; their answers are read and thrown
 * away. Copies have limits, a circuit and a timeout of their own, and go past everything else. As Envoy's
 * `request_mirror_policies`, with credentials left out. Bodies that are streams cannot be copied: they are counted.
 */
export const mirror = definePolicy('mirror', mirrorOptions, (targets, context) => {
  const mirrors = targets.map((options) => new Mirror(options, context));
  return {
    wrap: (next, wire) =>
      function mirror(original) {
        const request = withCall(original);
        for (const each of mirrors) harmless(() => each.offer(request, wire));
        return next(request);
      },
    stats: () => Object.fromEntries(mirrors.map((each) => [each.target, each.stats()])),
    close: () => {
      for (const each of mirrors) each.close();
    },
  };
});

/** One target: what was sent to it, and what became of it. */
class Mirror {
  readonly target: string;
  readonly #options: MirrorOptions;
  readonly #context: PolicyContext;
  readonly #matches: (request: Request) => boolean;
  readonly #circuit: Circuit;
  /** Ends what is under way when the mirror goes. */
  readonly #scope = new Scope();
  readonly #counts = { sent: 0, succeeded: 0, failed: 0, skipped: { stream: 0, overflow: 0, circuit: 0 } };
  #active = 0;

  constructor(options: MirrorOptions, context: PolicyContext) {
    const { origin, pathname } = new URL(options.baseURL);
    this.target = origin + (pathname === '/' ? '' : pathname);
    this.#options = options;
    this.#context = context;
    this.#matches = matcherOf(options.match);
    // Its events would be taken for those of the client's own circuits.
    this.#circuit = new Circuit(this.target, circuitBreakerOptions.parse({}), { ...context, events: silentEvents });
  }

  /** Sends a copy once the call itself is on its way. */
  offer(request: Request, wire: Transport): void {
    const { unsafeMethods, fraction } = this.#options;
    if (!this.#matches(request) || !(unsafeMethods || copied.has(callOf(request).method))) return;
    if (this.#context.random() >= fraction) return;
    if (!isReplayable(request)) {
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
    const expired = () => new AxiosError(`The copy took longer than ${timeout} ms.`, AxiosError.ETIMEDOUT, copy);
    const send: Transport = (request) =>
      isTraced() ? inClientSpan(request, { prefix: 'mirror', attributes: {}, propagation: true }, wire) : wire(request);
    return bounded(send, copy, { ms: timeout, until: 'body', expired });
  }

  #end(response: Response | undefined, outcome: AttemptOutcome): void {
    if (response === undefined) this.#active--;
    else {
      drain(response);
      onBodyEnd(response, () => {
        this.#active--;
      });
    }
    const { client, events } = this.#context;
    events.emit('mirror.ended', { client, target: this.target, ...outcome });
  }

  /** With a call of its own; undefined where the call leaves its base URL. */
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
    const copy = requestOf(request, own, new Call(request, call.client, moved.target));
    for (const foreign of ['auth', 'onUploadProgress', 'onDownloadProgress', 'beforeRedirect'] as const)
      if (foreign !== 'auth' || !this.#options.keepCredentials) delete copy[foreign];
    return copy;
  }

  #headersOf(request: Request, call: Call): Request['headers'] {
    const { keepCredentials, removeHeaders, headers = {}, hostSuffix } = this.#options;
    const own = copyHeaders(request.headers);
    const host = getHeader(own, 'host') ?? new URL(call.origin).host;
    for (const name of ['host', ...(keepCredentials ? [] : credentials), ...removeHeaders]) {
      const key = nameIn(own, name);
      if (key !== undefined) delete own[key];
    }
    if (hostSuffix) setHeader(own, 'Host', shadowOf(host));
    for (const [name, value] of Object.entries(headers)) setHeader(own, name, value);
    return own;
  }

  stats() {
    return {
      ...this.#counts,
      skipped: { ...this.#counts.skipped },
      active: this.#active,
      circuit: this.#circuit.state,
    };
  }

  close(): void {
    this.#scope.abort(new CanceledError('The client no longer mirrors to this target.'));
    this.#circuit.close();
  }
}

/** Before the port, as Envoy appends it. */
function shadowOf(host: string): string {
  return host.replace(/(:\d+)?$/, '-shadow$1');
}

/** Read to its end, so that the connection can be used again. */
function drain({ data }: Response): void {
  if (!isStream(data)) return;
  data.on('error', () => {});
  data.resume();
}
