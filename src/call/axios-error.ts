/** The properties that the errors of calls have beside axios's, for TypeScript: on `AxiosError` and by `isAxiosError`. */

declare module 'axios' {
  // biome-ignore lint/suspicious/noExplicitAny: the parameters of axios's own class.
  interface AxiosError<T = unknown, D = any, P = any> {
    /** How often the request was sent, retries and hedges included; only on errors of calls through pillion. */
    attempts?: number;
    /** Milliseconds after which another try may be let through, with `ERR_CIRCUIT_OPEN` and `ERR_RATE_LIMITED`. */
    retryAfter?: number;
  }
}

export {};
