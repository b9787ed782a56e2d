/**
 * The messages of the stack: a request on its way down, an answer on its way up, and the transport that carries them.
 */
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';

declare module 'axios' {
  // biome-ignore lint/suspicious/noExplicitAny: an augmentation repeats the generics of what it augments.
  interface AxiosRequestConfig<D = any, P = any> {
    /**
     * Makes a POST or PATCH safe to repeat: sent as the `Idempotency-Key` header, the same on every attempt. `true`
     * makes a random UUID. The upstream has to honour it.
     */
    idempotencyKey?: string | true;
    /** A low-cardinality label for spans and log lines, such as `/invoices/{id}`. */
    routeName?: string;
    /**
     * Calls with the same key go to the same endpoint with `balance.strategy: hash`, and to the same target of a sticky
     * `split`.
     */
    hashKey?: string;
  }
}

/** One request as it travels down the stack: axios's own request config. */
export type Request = InternalAxiosRequestConfig;

/** One answer as it travels up the stack: axios's own response. */
export type Response = AxiosResponse;

/**
 * Carries one request to an answer; the same shape as an `AxiosAdapter`.
 * Inside the stack a status >= 400 rejects and anything lower resolves.
 */
export type Transport = (request: Request) => Promise<Response>;
