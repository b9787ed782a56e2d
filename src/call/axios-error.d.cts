/**
 * Declares for axios's CommonJS types what `axios-error.ts` declares for those of ES modules. The class cannot be augmented
 * here, because `AxiosError` is an alias, but the type guard `isAxiosError` can. The build puts this file in its place.
 */
import type { AxiosError } from 'axios';

declare module 'axios' {
  interface AxiosStatic {
    // biome-ignore lint/suspicious/noExplicitAny: the parameters of axios's own function.
    isAxiosError<T = any, D = any, P = any>(payload: any): payload is AxiosError<T, D, P> & ErrorOfCall;
  }

  /** The properties that the errors of calls have beside axios's. */
  interface ErrorOfCall {
    /** How often the request was sent, retries and hedges included; only on errors of calls through pillion. */
    attempts?: number;
    /** Milliseconds after which another try may be let through, with `ERR_CIRCUIT_OPEN` and `ERR_RATE_LIMITED`. */
    retryAfter?: number;
  }
}
