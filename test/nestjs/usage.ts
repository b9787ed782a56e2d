/** The public usage of `@nestjs/axios`, as applications have it; it is compiled against `pillion/nestjs` too. */
import {
  HttpModule,
  type HttpModuleAsyncOptions,
  type HttpModuleOptions,
  type HttpModuleOptionsFactory,
  HttpService,
} from '@nestjs/axios';
import { type DynamicModule, Injectable, Module } from '@nestjs/common';
import axios, { type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { firstValueFrom, map, type Observable } from 'rxjs';

interface Invoice {
  id: string;
  total: number;
}

interface NewInvoice {
  total: number;
}

export class InvoicesService {
  readonly #http: HttpService;

  constructor(http: HttpService) {
    this.#http = http;
  }

  all(): Observable<AxiosResponse<Invoice[]>> {
    return this.#http.get<Invoice[]>('/invoices', { params: { open: true } });
  }

  untyped(): Observable<string> {
    return this.#http.get('/invoices').pipe(map((response) => response.data.anything));
  }

  create(invoice: NewInvoice): Observable<Invoice> {
    return this.#http.post<Invoice, NewInvoice>('/invoices', invoice).pipe(map(({ data }) => data));
  }

  both(invoice: NewInvoice): Observable<AxiosResponse<Invoice, NewInvoice>>[] {
    const config: AxiosRequestConfig<NewInvoice> = { timeout: 1000 };
    return [
      this.#http.get<Invoice, NewInvoice>('/', config),
      this.#http.delete<Invoice, NewInvoice>('/', config),
      this.#http.head<Invoice, NewInvoice>('/', config),
      this.#http.post<Invoice, NewInvoice>('/', invoice, config),
      this.#http.put<Invoice, NewInvoice>('/', invoice, config),
      this.#http.patch<Invoice, NewInvoice>('/', invoice, config),
      this.#http.postForm<Invoice, NewInvoice>('/', invoice, config),
      this.#http.putForm<Invoice, NewInvoice>('/', invoice, config),
      this.#http.patchForm<Invoice, NewInvoice>('/', invoice, config),
    ];
  }

  async promises(): Promise<number> {
    const { data } = await firstValueFrom(this.#http.request<Invoice>({ url: '/', method: 'GET' }));
    const instance: AxiosInstance = this.#http.axiosRef;
    instance.interceptors.request.use((config) => config);
    instance.defaults.headers.common.Authorization = 'x';
    return data.total + (await instance.get<Invoice>('/')).data.total;
  }

  refused(): unknown[] {
    return [
      // @ts-expect-error a body of another type than the second argument
      this.#http.post<Invoice, NewInvoice>('/', { total: 'none' }),
      // @ts-expect-error a config for another body
      this.#http.put<Invoice, NewInvoice>('/', { total: 1 }, { data: { total: 'none' } }),
      // @ts-expect-error the URL comes first
      this.#http.get({ url: '/' }),
      // @ts-expect-error request takes a config
      this.#http.request('/'),
      // @ts-expect-error request has one type argument
      this.#http.request<Invoice, NewInvoice>({}),
      // @ts-expect-error the instance is for subclasses
      this.#http.instance,
      // @ts-expect-error the instance cannot be replaced
      // biome-ignore lint/suspicious/noAssignInExpressions: a type is tested.
      (this.#http.axiosRef = axios),
    ];
  }
}

/** A subclass, as applications write it to add a method. */
@Injectable()
export class TracedHttpService extends HttpService {
  traced<T = unknown>(url: string): Observable<AxiosResponse<T>> {
    return this.makeObservable<T>(this.instance.get, url, { headers: { 'x-traced': '1' } });
  }

  override get<T = unknown, D = unknown>(url: string, config?: AxiosRequestConfig<D>): Observable<AxiosResponse<T, D>> {
    return super.get<T, D>(url, { ...config, timeout: 100 });
  }

  replaced(): void {
    // @ts-expect-error the instance is read-only
    this.instance = axios;
  }
}

export const made: HttpService[] = [
  new HttpService(),
  new HttpService(axios),
  new HttpService(axios.create()),
  new TracedHttpService(axios.create({ timeout: 1 })),
  // @ts-expect-error a config is not an instance
  new HttpService({ timeout: 1 }),
];

/** A fake with the methods in use, as unit tests have it. */
export const fake: Pick<HttpService, 'get' | 'axiosRef'> = { get: () => new HttpService().get('/'), axiosRef: axios };

export class Options implements HttpModuleOptionsFactory {
  createHttpOptions(): HttpModuleOptions {
    return { timeout: 5000, maxRedirects: 5, baseURL: 'http://a.test', global: true };
  }
}

class ConfigLike {
  get(name: string): string {
    return name;
  }
}

const asynchronous: HttpModuleAsyncOptions = {
  imports: [],
  inject: [ConfigLike],
  useFactory: async (config: ConfigLike) => ({ baseURL: config.get('url') }),
  extraProviders: [ConfigLike],
  global: true,
};

export const modules: DynamicModule[] = [
  HttpModule.register({}),
  HttpModule.register({ timeout: 5000, headers: { 'x-app': 'shop' }, validateStatus: null, global: true }),
  HttpModule.registerAsync(asynchronous),
  HttpModule.registerAsync({ useClass: Options }),
  HttpModule.registerAsync({ useExisting: Options }),
  HttpModule.registerAsync({ inject: ['url'], useFactory: (baseURL) => ({ baseURL, timeout: baseURL.length }) }),
  // @ts-expect-error register takes options
  HttpModule.register(),
  // @ts-expect-error an unknown option of the module
  HttpModule.register({ timout: 1 }),
  // @ts-expect-error a class without createHttpOptions
  HttpModule.registerAsync({ useClass: ConfigLike }),
  // @ts-expect-error a factory of something else
  HttpModule.registerAsync({ useFactory: () => 1 }),
];

@Module({ imports: [HttpModule, ...modules], providers: [InvoicesService], exports: [HttpModule] })
export class InvoicesModule {}
