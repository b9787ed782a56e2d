/** What a request is answered with that got no answer from an upstream: the statuses and headers of Envoy. */
import { type AxiosError, isAxiosError } from 'axios';
import { responseOf } from '../call/body.js';
import { ErrorCode } from '../call/errors.js';
import { classify, type FailureKind } from '../call/failure.js';

/** An answer of the listener itself. */
export interface LocalAnswer {
  readonly status: number;
  /** For the header `x-pillion-error`. */
  readonly code: string;
  /** The body: one sentence, without anything of the request or of the configuration but names of clients and hosts. */
  readonly text: string;
  /** Further headers, names and values in turns. */
  readonly headers?: readonly string[];
}

export function refusal(status: number, code: string, text: string): LocalAnswer {
  return { status, code, text };
}

export const tunnelRefusal = refusal(
  405,
  'ERR_TUNNEL',
  'A tunnel for TLS is not supported: give the http:// URL in place of the https:// one; the client here speaks TLS itself.',
);

interface Row {
  readonly status: number;
  /** Follows the name of the client. */
  readonly text: string;
  readonly headers?: readonly string[];
}

/** What Envoy adds where a circuit breaker or an overload refuses a request. */
const overloaded = ['x-envoy-overloaded', 'true'];

const byCode: Readonly<Record<string, Row>> = {
  [ErrorCode.CIRCUIT_OPEN]: { status: 503, text: 'the circuit is open, so nothing was sent', headers: overloaded },
  [ErrorCode.LIMIT]: { status: 503, text: 'too many requests wait or are in flight', headers: overloaded },
  [ErrorCode.NO_ENDPOINT]: { status: 503, text: 'no endpoint of the upstream is known' },
  [ErrorCode.RATE_LIMITED]: {
    status: 429,
    text: 'the rate limit has no request to spare',
    headers: ['x-envoy-ratelimited', 'true'],
  },
  [ErrorCode.CLOSED]: { status: 503, text: 'the client was closed' },
  [ErrorCode.UNKNOWN_CLIENT]: { status: 404, text: 'there is no such client any more' },
  [ErrorCode.CONNECT_TIMEOUT]: { status: 503, text: 'the upstream took too long to accept a connection' },
  [ErrorCode.HTTP2_UNSUPPORTED]: { status: 502, text: 'the upstream does not speak HTTP/2' },
  [ErrorCode.INVALID_URL]: { status: 400, text: 'the URL of the request cannot be used' },
  [ErrorCode.ORIGIN]: { status: 400, text: 'the URL of the request leaves the origin of baseURL' },
  [ErrorCode.BODY_USED]: { status: 500, text: 'the body of the request was read before' },
  [ErrorCode.CONFIG]: { status: 500, text: 'the configuration or environment of the client cannot serve the request' },
  ERR_BAD_REQUEST: { status: 400, text: 'the request cannot be sent as it is' },
  ERR_BAD_RESPONSE: { status: 502, text: 'the answer of the upstream cannot be used' },
  HPE_HEADER_OVERFLOW: { status: 502, text: 'the headers of the answer are too large' },
};

const byKind: Readonly<Partial<Record<FailureKind, Row>>> = {
  connect: { status: 503, text: 'no connection to the upstream was made' },
  reset: { status: 503, text: 'the connection to the upstream broke before the answer' },
  refused_stream: { status: 503, text: 'the upstream refused the request' },
  tls: { status: 503, text: 'the TLS handshake with the upstream failed' },
  timeout: { status: 504, text: 'the upstream did not answer in time' },
  deadline: { status: 504, text: 'the upstream did not answer before the deadline' },
  cancelled: { status: 503, text: 'the call was cancelled' },
};

const protocolError = { status: 502, text: 'the answer of the upstream is not valid HTTP' };
const unexpected = { status: 500, text: 'the request failed within the client' };

/** The answer for the error of a call of `forward`. */
export function localAnswer(client: string, thrown: unknown): LocalAnswer {
  const error = (isAxiosError(thrown) ? thrown : {}) as Partial<AxiosError>;
  const code =
    typeof error.code === 'string' && /^[A-Z][A-Z\d_]{0,63}$/.test(error.code) ? error.code : 'ERR_UNEXPECTED';
  const { status, text, headers = [] } = rowOf(code, thrown);
  const after = error.retryAfter;
  const wait = after === undefined || !Number.isFinite(after) ? [] : ['retry-after', String(Math.ceil(after / 1000))];
  return { status, code, text: `${client}: ${text}.`, headers: [...headers, ...wait] };
}

function rowOf(code: string, thrown: unknown): Row {
  if (Object.hasOwn(byCode, code)) {
    // A part of the answer had come, and was refused.
    if (code === 'ERR_BAD_REQUEST' && responseOf(thrown) !== undefined) return protocolError;
    if (code === 'ERR_BAD_REQUEST' && /maxBodyLength/.test((thrown as Error).message))
      return { status: 413, text: 'the body of the request is larger than maxBodyLength' };
    return byCode[code] as Row;
  }
  if (code.startsWith('HPE_')) return protocolError;
  return byKind[classify(thrown)] ?? unexpected;
}
