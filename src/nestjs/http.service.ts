/** A drop-in for `HttpService` of `@nestjs/axios`. */
import { Inject, Injectable } from '@nestjs/common';
import axios, { type AxiosInstance, type AxiosPromise, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { Observable } from 'rxjs';

/**
 * Injection token of the axios instance of an `HttpModule`: the string of `@nestjs/axios`, which does not export it, but
 * which tests write out to replace the instance.
 */
export const instanceToken = 'AXIOS_INSTANCE_TOKEN';

// biome-ignore lint/suspicious/noExplicitAny: the default type of a body, as in @nestjs/axios.
type Body = any;
type Config<D = Body> = AxiosRequestConfig<D>;
type Answer<T, D = Body> = Observable<AxiosResponse<T, D>>;

/**
 * The methods of axios as Observables: each subscription makes a call, and unsubscribing cancels it. `T` is the type of
 * the response body, `D` that of the request body.
 */
@Injectable()
export class HttpService {
  /** The axios instance, for subclasses; `axiosRef` is the same one. */
  protected readonly instance: AxiosInstance;

  /** Called by Nest, and in tests: without an instance the calls go through the global axios, without policies. */
  constructor(@Inject(instanceToken) instance: AxiosInstance = axios) {
    this.instance = instance;
  }

  /** The axios instance itself, for promises, defaults and interceptors. */
  get axiosRef(): AxiosInstance {
    return this.instance;
  }

  /**
   * A call with the method of `config`; GET by default. As with all methods here, nothing is sent before a
   * subscription.
   */
  request<T = Body>(config: Config): Answer<T> {
    return this.makeObservable<T>(this.instance.request, config);
  }

  /** GET. */
  get<T = Body, D = Body>(url: string, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.get, url, config);
  }

  /** DELETE. */
  delete<T = Body, D = Body>(url: string, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.delete, url, config);
  }

  /** HEAD: `data` is empty. */
  head<T = Body, D = Body>(url: string, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.head, url, config);
  }

  /** POST; retried only if the request was provably not sent, or with an `idempotencyKey`. */
  post<T = Body, D = Body>(url: string, data?: D, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.post, url, data, config);
  }

  /** PUT. */
  put<T = Body, D = Body>(url: string, data?: D, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.put, url, data, config);
  }

  /** PATCH; retried under the same conditions as a POST. */
  patch<T = Body, D = Body>(url: string, data?: D, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.patch, url, data, config);
  }

  /** POST of `data` as multipart/form-data. */
  postForm<T = Body, D = Body>(url: string, data?: D, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.postForm, url, data, config);
  }

  /** PUT of `data` as multipart/form-data. */
  putForm<T = Body, D = Body>(url: string, data?: D, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.putForm, url, data, config);
  }

  /** PATCH of `data` as multipart/form-data. */
  patchForm<T = Body, D = Body>(url: string, data?: D, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.patchForm, url, data, config);
  }

  /** QUERY: a GET with a body, safe to repeat. */
  query<T = Body, D = Body>(url: string, data?: D, config?: Config<D>): Answer<T, D> {
    return this.makeObservable<T>(this.instance.query, url, data, config);
  }

  /**
   * Makes an Observable of a method of an axios instance, for subclasses: each subscription calls it with `args`, of which
   * the last one is the config of the call.
   */
  protected makeObservable<T>(axios: (...args: Body[]) => AxiosPromise<T>, ...args: Body[]): Answer<T> {
    return new Observable((subscriber) => {
      const { own, cancel } = cancellable(args.at(-1) || {});
      let over = false;
      axios(...args.slice(0, -1), own).then(
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
}

/**
 * Cancels by a cancel token, as `@nestjs/axios` does, so that `signal` stays the caller's; if the caller passes a
 * cancel token, by an added signal.
 */
function cancellable(config: Config): { own: Config; cancel: () => void } {
  if (!config.cancelToken) {
    const { token, cancel } = axios.CancelToken.source();
    return { own: { ...config, cancelToken: token }, cancel: () => cancel() };
  }
  const controller = new AbortController();
  const { signal } = config;
  const both = signal ? AbortSignal.any([signal as AbortSignal, controller.signal]) : controller.signal;
  return { own: { ...config, signal: both }, cancel: () => controller.abort() };
}
