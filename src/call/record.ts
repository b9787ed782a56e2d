/** The record of one call: what the policies tell each other and the log line about it. */

import { AsyncResource } from 'node:async_hooks';
import type { Request } from './message.js';
import { manyDestinations, Recent } from './recent.js';
import { redactUrl } from './redact.js';
import { resolveUrl, type Target } from './url.js';
import { version } from './version.js';

/** What happened on the way of a call, for its log line. */
export type CallFlag =
  | 'retried'
  | 'retry_refused'
  | 'hedged'
  | 'circuit_open'
  | 'limited'
  | 'concurrency_limited'
  | 'rate_limited'
  | 'timeout'
  | 'deadline'
  | 'fault'
  | 'cancelled';

/** Why a retry was not made. */
export type RetryRefusal = 'budget' | 'concurrency' | 'deadline' | 'limit';

/** A failure in short, for events and log lines; it holds on to neither the error nor its response. */
export interface FailureCause {
  /** HTTP status, where the upstream answered. */
  readonly status?: number | undefined;
  /** Error code, where there was no answer. */
  readonly code?: string | undefined;
  /** The error's message, where there was no answer. */
  readonly message?: string | undefined;
}

/** The options that a call gets from the route that it matches, in place of those of the client. */
export interface CallRoute {
  /** Its place in the configuration: `routes.0`. */
  readonly place: string;
  /** Options by the name of the policy that reads them. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Something that retries and hedges draw from. */
export interface Budget {
  /** Takes one, or tells what stands against it. */
  acquire(): 'granted' | 'budget' | 'concurrency';
  /** What was taken is over. */
  release(): void;
}

/** One address behind an origin. */
export interface Endpoint {
  /** `host:port`. */
  readonly address: string;
  /** Name or address, an IPv6 address without brackets. */
  readonly host: string;
  /** From 1 to 65535. */
  readonly port: number;
  /** Name for SNI and for the check of its certificate; undefined: that of the client. */
  readonly serverName?: string | undefined;
}

/** A host name and a port. */
export interface Server {
  readonly address: string;
  readonly port: number;
}

/** Parsing a URL costs a microsecond; an entry takes 0.2 KB. */
const servers = new Recent<Server>({ max: manyDestinations });

/** Host name and port of an origin such as `https://api.test`, or of an endpoint such as `10.0.0.1:8080`. */
export function serverOf(destination: string): Server {
  return servers.use(destination, parsedServer);
}

function parsedServer(destination: string): Server {
  const url = destination.includes('://') ? destination : `http://${destination}`;
  // A URL without an origin, such as data:, has no host.
  if (!URL.canParse(url)) return { address: '', port: 80 };
  const { hostname, port, protocol } = new URL(url);
  return { address: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}

/** What listeners see of a call. */
export type CallView = Readonly<
  Pick<
    Call,
    | 'client'
    | 'method'
    | 'href'
    | 'origin'
    | 'path'
    | 'shownUrl'
    | 'routeName'
    | 'startedAt'
    | 'endsAt'
    | 'attempts'
    | 'requestId'
    | 'traceId'
    | 'spanId'
    | 'traceSampled'
    | 'retryRefused'
    | 'refusedFor'
    | 'responseSize'
    | 'server'
    | 'elapsed'
    | 'remaining'
  >
> & {
  /** What happened on the way, each thing once, in the order in which it happened first. */
  readonly flags: readonly CallFlag[];
  /** Endpoints that attempts of this call went to. */
  readonly tried: readonly Endpoint[];
};

/** The async context of a call, in which the caller's code runs. */
export class CallContext extends AsyncResource {
  constructor() {
    super('HttpCall', { requireManualDestroy: true });
  }

  /** For jest's `detectOpenHandles`, which without it takes each context for a handle that keeps the process open. */
  hasRef(): boolean {
    return false;
  }
}

/** One call through the client, however many attempts it takes. */
export class Call {
  /** Name of the client. */
  readonly client: string;
  /** In upper case. */
  readonly method: string;
  /** Full URL, query values included: redact before showing. */
  href: string;
  /** Scheme, host and port of the destination. */
  origin: string;
  /** The call's `routeName`: its low-cardinality label. */
  readonly routeName: string | undefined;
  /** Monotonic time of the start, as `performance.now()`. */
  readonly startedAt: number = performance.now();
  /** Monotonic time by which the call will have ended. */
  endsAt = Number.POSITIVE_INFINITY;
  /** True where axios's `timeout` decides how long the call may take, so that limits which nobody has set do not. */
  hasOwnTimeout = false;
  /** How often the wire was called so far. */
  attempts = 0;
  /** The `x-request-id` sent, the same on every attempt. */
  requestId: string | undefined;
  /** Of the call's span, 32 hex digits; only where an SDK records it. */
  traceId: string | undefined;
  /** The same, 16 hex digits. */
  spanId: string | undefined;
  /** Whether the SDK records the call's span; undefined where there is none. */
  traceSampled: boolean | undefined;
  /** Why the last failure was not repeated although it could have been. */
  retryRefused: RetryRefusal | undefined;
  /** The failure for which this process turned the call away: the last one before the circuit opened. */
  refusedFor: FailureCause | undefined;
  /** Bytes of the response body as they came over the wire, where known. */
  responseSize: number | undefined;
  /** What happened on the way, each thing once, in the order it happened first. */
  readonly flags: CallFlag[] = [];
  /** Path and query. */
  path: string;
  /** The route that it matches; undefined where the client has no routes, or none for this call. */
  route: CallRoute | undefined;
  /** What retries and hedges of this call may still add to the load. */
  budget: Budget | undefined;
  /** Endpoints that attempts of this call went to. */
  readonly tried: Endpoint[] = [];
  /** The origin that the client's certificate is for. */
  home: string;
  /** The origin that no redirect may leave; undefined: redirects may go anywhere. */
  confinedTo: string | undefined;
  readonly #config: Request;
  #ownHeaders: ReadonlySet<string> | undefined;
  #disowned: ReadonlySet<string> | undefined;
  /** Private, so that nobody who prints a call prints the secrets of an error that is not made fit to be shown yet. */
  #failure: unknown;
  /** The async context it was made in. At 50 ns each call has one, for on the wire the context is another: tracing is suppressed there. */
  readonly context: AsyncResource = new CallContext();

  /** The client makes one for each call; a policy that works alone has one made by its first request. */
  constructor(request: Request, client = 'pillion', target: Target = resolveUrl(request)) {
    this.client = client;
    this.method = (request.method ?? 'get').toUpperCase();
    this.href = target.href;
    this.origin = target.origin;
    this.path = target.path;
    this.home = target.origin;
    this.routeName = request.routeName;
    this.#config = request;
  }

  /** With what it has failed, as it was thrown, while `call.ended` tells of it; its message is to be redacted. */
  get failure(): unknown {
    return this.#failure;
  }

  set failure(error: unknown) {
    this.#failure = error;
  }

  /** The call goes elsewhere from now on. */
  aim({ href, origin, path }: Target): void {
    this.href = href;
    this.origin = origin;
    this.path = path;
    this.home = origin;
  }

  /** True for a header (in lower case) that the call itself asked for: neither its client nor a policy has added it. */
  asksFor(header: string): boolean {
    if (this.#disowned?.has(header)) return false;
    this.#ownHeaders ??= new Set(ownHeadersOf(this.#config).map((name) => name.toLowerCase()));
    return this.#ownHeaders.has(header);
  }

  /** Notes headers (in lower case) that a policy has changed: they are no longer those of the call. */
  disown(headers: ReadonlySet<string>): void {
    this.#disowned = this.#disowned === undefined ? headers : new Set([...this.#disowned, ...headers]);
  }

  /** The URL without credentials, query values and fragment: fit to be shown. */
  get shownUrl(): string {
    // A URL without an origin, such as data:, is all content.
    if (this.origin === 'null') return `${this.href.slice(0, this.href.indexOf(':') + 1)}…`;
    const query = this.path.indexOf('?');
    return query < 0 ? this.origin + this.path : redactUrl(this.origin + this.path);
  }

  /** Host name and port of the destination, as spans want them. */
  get server(): Server {
    return serverOf(this.origin);
  }

  /** Notes that something happened; once is enough. */
  flag(flag: CallFlag): void {
    if (!this.flags.includes(flag)) this.flags.push(flag);
  }

  /** Milliseconds since the call began. */
  elapsed(): number {
    return performance.now() - this.startedAt;
  }

  /** Milliseconds left until the deadline; `Infinity` without one. */
  remaining(): number {
    return this.endsAt - performance.now();
  }
}

export const OWN_HEADERS: unique symbol = Symbol.for(`pillion.ownHeaders@${version}`);
type Marked = { [OWN_HEADERS]?: readonly string[] };

/** Notes which headers a config has from the call itself: once it is merged with the defaults of its client, nothing tells. */
export function markOwnHeaders<Config extends object>(config: Config, names: readonly string[]): Config {
  (config as Marked)[OWN_HEADERS] ??= names;
  return config;
}

/** Where nothing is noted they are all its own. */
function ownHeadersOf(config: Request): readonly string[] {
  return (config as Marked)[OWN_HEADERS] ?? Object.keys(config.headers ?? {});
}
