/** `HttpService` of `@nestjs/axios`, with the stack behind it. */
import { Inject, Injectable } from '@nestjs/common';
import axios, { type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { Observable } from 'rxjs';

/** Under which the axios instance of an `HttpModule` is provided. */
export const instanceToken = Symbol.for('pillion.nestjs.axios');

type Config = AxiosRequestConfig;
// biome-ignore lint/suspicious/noExplicitAny: a body of any type, as in @nestjs/axios, where the caller says nothing else.
type Body = any;
type Answer<T> = Observable<AxiosResponse<T>>;

/** The methods of axios as Observables: a call is made for each subscription, and unsubscribing ends it. */
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

  /** By the method of `config`; GET by default. Like all here, nothing is sent before somebody subscribes. */
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

  /** POST; repeated only where provably nothing was sent, or with an `idempotencyKey`. */
  post<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.post<T>(url, data, own), config);
  }

  /** PUT. */
  put<T = Body>(url: string, data?: unknown, config?: Config): Answer<T> {
    return observe((own) => this.#instance.put<T>(url, data, own), config);
  }

  /** PATCH; repeated as a POST is. */
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
    // Completing unsubscribes as well, and a stream that has begun is the caller's.
    return () => {
      if (!over) cancel();
    };
  });
}

/** By a cancel token, as `@nestjs/axios` does it, which leaves `signal` to the caller; by a signal where the token is the caller's. */
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
