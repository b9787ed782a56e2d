/** A drop-in for `HttpService` of `@nestjs/axios`. */
import { Inject, Injectable } from '@nestjs/common';
import axios, { type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { Observable } from 'rxjs';

/** Injection token of the axios instance of an `HttpModule`. */
export const instanceToken = Symbol.for('pillion.nestjs.axios');

type Config = AxiosRequestConfig;
// biome-ignore lint/suspicious/noExplicitAny: the default type of a body, as in @nestjs/axios.
type Body = any;
type Answer<T> = Observable<AxiosResponse<T>>;

/** The methods of axios as Observables: each subscription makes a call, and unsubscribing cancels it. */
@Injectable()
export class HttpService {
  readonly #instance: AxiosInstance;

  /** Called by Nest. */
  constructor(@Inject(instanceToken) instance: AxiosInstance) {
    this.#instance = instance;
  }

  /** The axios instance itself, for promises, defaults and interceptors. */
  get axiosRef(): AxiosInstance {
    return this.#instance;
  }

  /**
   * A call with the method of `config`; GET by default. As with all methods here, nothing is sent before a
   * subscription.
   */
  request<T = Body>(config: Config): Answer<T> {
    return observe((own) => this.#instance.request<T>(own), config);
  }

  /** GET. */
  get<T = Body>(url: string, config?: Config): Answer<T> {
    return observe((own) => this.#instance.get<T>(url, own), config);
  }

  /** DELETE. */
  delete<T = Body>(url: string, config?: Config): Answer<T> {
    return observe((own) => this.#instance.delete<T>(url, own), config);
  }

  /** HEAD: `data` is empty. */
  head<T = Body>(url: string, config?: Config): Answer<T> {
    return observe((own) => this.#instance.head<T>(url, own), config);
  }

  /** POST; retried only if the request was provably not sent, or with an `idempotencyKey`. */
  post<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.post<T>(url, data, own), config);
  }

  /** PUT. */
  put<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.put<T>(url, data, own), config);
  }

  /** PATCH; retried under the same conditions as a POST. */
  patch<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.patch<T>(url, data, own), config);
  }

  /** POST of `data` as multipart/form-data. */
  postForm<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.postForm<T>(url, data, own), config);
  }

  /** PUT of `data` as multipart/form-data. */
  putForm<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.putForm<T>(url, data, own), config);
  }

  /** PATCH of `data` as multipart/form-data. */
  patchForm<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.patchForm<T>(url, data, own), config);
  }

  /** QUERY: a GET with a body, safe to repeat. */
  query<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.query<T>(url, data, own), config);
  }
}

/** One call for each subscription. */
function observe<T>(send: (own: Config) => Promise<AxiosResponse<T>>, config: Config = {}): Answer<T> {
  return new Observable((subscriber) => {
    const { own, cancel } = cancellable(config);
    let over = false;
    send(own).then(
      (response) => {
        over = true;
        subscriber.next(response);
        subscriber.complete();
      },
      (error) => {
        over = true;
        subscriber.error(error);
      },
    );
    // rxjs runs this teardown on completion too; cancelling then would destroy a response stream that the caller reads.
    return () => {
      if (!over) cancel();
    };
  });
}

/**
 * Cancels by a cancel token, as `@nestjs/axios` does, so that `signal` stays the caller's; if the caller passes a
 * cancel token, by an added signal.
 */
function cancellable(config: Config): { own: Config; cancel: () => void } {
  if (config.cancelToken === undefined) {
    const { token, cancel } = axios.CancelToken.source();
    return { own: { ...config, cancelToken: token }, cancel: () => cancel() };
  }
  const controller = new AbortController();
  const { signal } = config;
  const both = signal ? AbortSignal.any([signal as AbortSignal, controller.signal]) : controller.signal;
  return { own: { ...config, signal: both }, cancel: () => controller.abort() };
}
