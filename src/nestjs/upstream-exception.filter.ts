/** An exception filter that answers failed calls of a handler with 502, 503 or 504 instead of 500. */
import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { type AxiosError, isAxiosError } from 'axios';
import { throwError } from 'rxjs';
import { inCauses } from '../call/causes.js';
import { ErrorCode } from '../call/errors.js';
import { classify, type FailureKind } from '../call/failure.js';
import { harmless } from '../call/harmless.js';
import { retryAfterOf } from '../call/retry-after.js';

/** Options of `UpstreamExceptionFilter`. */
export interface UpstreamExceptionFilterOptions {
  /**
   * Returns the status of the response, from 400 to 599, or undefined for the default one: `({ response }) =>
   * response?.status === 404 ? 404 : undefined`. Default: see the table in the NestJS guide.
   */
  status?: (error: AxiosError) => number | undefined;
}

/** Failures that say which status they are, whatever their kind. */
const byCode: Readonly<Record<string, number>> = {
  [ErrorCode.NO_ENDPOINT]: 503,
  [ErrorCode.CONNECT_TIMEOUT]: 504,
  ETIMEDOUT: 504,
  ERR_BAD_RESPONSE: 502,
  ERR_FR_TOO_MANY_REDIRECTS: 502,
  HPE_HEADER_OVERFLOW: 502,
};

const byKind: Readonly<Partial<Record<FailureKind, number>>> = {
  connect: 502,
  reset: 502,
  refused_stream: 502,
  tls: 502,
  timeout: 504,
  deadline: 504,
  cancelled: 503,
  local: 503,
};

/** Fixed texts, because messages of errors may name hosts and addresses of the upstream. */
const messages: Readonly<Record<number, string>> = {
  503: 'An upstream service is not available at the moment.',
  504: 'An upstream service did not answer in time.',
};

/**
 * The status for an error; undefined for one that is a fault of this service, such as a bad option of the call, which
 * Nest answers with 500.
 */
function statusOf(error: AxiosError): number | undefined {
  const { response, code = '' } = error;
  const kind = classify(error);
  if (kind === 'status') return { 429: 503, 503: 503, 504: 504 }[response?.status ?? 0] ?? 502;
  if (code === ErrorCode.BODY_USED) return undefined;
  if (kind === 'cancelled' && isTimeout(error)) return 504;
  // With a response: its status or its body was not acceptable.
  return byCode[code] ?? byKind[kind] ?? (response && 502);
}

/** True for a call that a signal of `AbortSignal.timeout` has cancelled. */
function isTimeout(error: AxiosError): boolean {
  const reason = (error.config?.signal as AbortSignal | undefined)?.reason as { name?: unknown } | undefined;
  const isNamed = (each: { name?: unknown }) => each.name === 'TimeoutError' || undefined;
  return inCauses(reason, isNamed) ?? inCauses(error, isNamed) ?? false;
}

/** The error of a call, itself or as the cause of the TypeError of a `fetch`; undefined for any other value. */
function callErrorOf(thrown: unknown): AxiosError | undefined {
  if (isAxiosError(thrown)) return thrown;
  const { name, cause } = (thrown ?? {}) as Partial<Error>;
  return name === 'TypeError' && isAxiosError(cause) ? cause : undefined;
}

/**
 * What the filter catches. Nest selects filters by `instanceof`, and this also holds for errors of other copies of axios,
 * such as its CommonJS build. All other exceptions go on to other filters and to Nest's own.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest takes classes only.
class UpstreamFailure {
  static [Symbol.hasInstance](thrown: unknown): boolean {
    const error = callErrorOf(thrown);
    return error !== undefined && statusOf(error) !== undefined;
  }
}

/** What Express and Fastify have in common, and the response of Node that Fastify keeps in `raw`. */
interface Reply extends RawReply {
  readonly sent?: boolean;
  readonly raw?: RawReply;
  status(status: number): Reply;
  header(name: string, value: string): Reply;
  send(body: object): unknown;
}

interface RawReply {
  readonly headersSent?: boolean;
  readonly writableEnded?: boolean;
  readonly destroyed?: boolean;
  destroy?(): unknown;
}

/**
 * Answers a request whose handler failed because a call of it failed: 504 for timeouts; 503 where the call was refused by
 * a circuit or a limit, or the upstream answered 503 or 429, with `Retry-After` where it is known; 502 for all else that
 * the upstream or the network did. It catches the errors of axios, of every client and of `client.fetch`. Errors that are
 * a fault of this service, such as a bad option, and all other exceptions are left to other filters. The answer has
 * Nest's shape and nothing of the upstream's. It works with Express and Fastify, with `app.useGlobalFilters(new
 * UpstreamExceptionFilter())`, `@UseFilters(UpstreamExceptionFilter)` and `APP_FILTER`.
 */
@Catch(UpstreamFailure)
export class UpstreamExceptionFilter implements ExceptionFilter {
  readonly #options: UpstreamExceptionFilterOptions;

  /** By hand with options; Nest makes it without. */
  constructor(options: UpstreamExceptionFilterOptions = {}) {
    this.#options = options;
  }

  /**
   * Called by Nest. Of other contexts, RPC and WebSocket messages are answered as Nest answers unknown errors, with the
   * message of the status; for all others, such as GraphQL, the exception is thrown again.
   */
  catch(exception: unknown, host: ArgumentsHost): unknown {
    const error = callErrorOf(exception);
    if (error === undefined) throw exception;
    const status = this.#statusOf(error);
    const message = messages[status] ?? 'An upstream service failed.';
    switch (host.getType<string>()) {
      case 'http':
        return answer(host.switchToHttp().getResponse<Reply>(), status, message, retryAfter(error, status));
      // In these two Nest does not catch what a filter throws, and the process would end.
      case 'rpc':
        return throwError(() => ({ status: 'error', message }));
      case 'ws':
        return host.switchToWs().getClient<Emitter>().emit?.('exception', { status: 'error', message });
      default:
        throw exception;
    }
  }

  #statusOf(error: AxiosError): number {
    let chosen: number | undefined;
    // Nest does not catch what a filter throws.
    harmless(() => {
      chosen = this.#options.status?.(error);
    });
    return chosen !== undefined && chosen >= 400 && chosen <= 599 ? chosen : (statusOf(error) ?? 502);
  }
}

/** A client of a WebSocket; not every adapter of Nest has one that emits. */
interface Emitter {
  emit?(event: string, data: object): unknown;
}

function answer(reply: Reply, status: number, message: string, after: string | undefined): void {
  const raw = reply.raw ?? reply;
  // The client has gone, or the handler answers by itself.
  if (raw.destroyed || raw.writableEnded) return;
  if (raw.headersSent) {
    // Ended regularly, the part that was sent would look like the whole body.
    raw.destroy?.();
    return;
  }
  if (reply.sent) return;
  if (after !== undefined) reply.header('retry-after', after);
  reply.status(status).send({ statusCode: status, message, error: STATUS_CODES[status] });
}

/** Whole seconds, rounded up. */
function retryAfter(error: AxiosError, status: number): string | undefined {
  if (status !== 503 && status !== 429) return undefined;
  const ms = error.retryAfter ?? retryAfterOf(error.response?.headers);
  return ms === undefined || !Number.isSafeInteger(Math.ceil(ms)) ? undefined : String(Math.ceil(ms / 1000));
}
