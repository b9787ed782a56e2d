/** `HttpModule` of `@nestjs/axios`, with the stack behind its instances: moving over is changing an import. */
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import {
  type InstancePolicies,
  type InstancePoliciesConfig,
  type InstancePoliciesDeps,
  usePolicies,
} from '../client/use-policies.js';
import { HttpService, instanceToken } from './http.service.js';
import { nestLogger } from './logger.js';

/** Defaults of axios, and what the stack behind them is to do. */
export type HttpModuleOptions = AxiosRequestConfig & {
  /** Every module may inject the `HttpService`; false by default. */
  global?: boolean;
  /** The stack, as for `usePolicies`: `{ retry: { maxRetries: 1 } }`. The standard one by default. */
  policies?: InstancePoliciesConfig;
  /** Code that stands beside it, such as `logger` or `transport`. */
  deps?: InstancePoliciesDeps;
};

/** Makes the options for `registerAsync({ useClass | useExisting })`. */
export interface HttpModuleOptionsFactory {
  /** Asked once, at the start. */
  createHttpOptions(): Promise<HttpModuleOptions> | HttpModuleOptions;
}

/** As in `@nestjs/axios`: one of `useFactory`, `useClass` and `useExisting`. */
export interface HttpModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** A provider that exists, and is asked. */
  useExisting?: Type<HttpModuleOptionsFactory>;
  /** Is made, and asked for the options. */
  useClass?: Type<HttpModuleOptionsFactory>;
  /** Makes the options, of what `inject` names. */
  useFactory?: (...args: never[]) => Promise<HttpModuleOptions> | HttpModuleOptions;
  /** Tokens of the factory's arguments. */
  inject?: FactoryProvider['inject'];
  /** Further providers of the module. */
  extraProviders?: Provider[];
  /** Every module may inject the `HttpService`; false by default. */
  global?: boolean;
}

const optionsToken = Symbol.for('pillion.nestjs.http-options');
const stackToken = Symbol.for('pillion.nestjs.stack');

interface Opened {
  readonly instance: AxiosInstance;
  readonly policies: InstancePolicies;
}

/** axios's own rules stay as they are: redirects, proxies and absolute URLs as axios has them. */
function open({ global: _, policies = {}, deps = {}, ...defaults }: HttpModuleOptions): Opened {
  const instance = axios.create(defaults);
  return { instance, policies: usePolicies(instance, policies, { logger: nestLogger(), ...deps }) };
}

const standing: Provider[] = [
  { provide: stackToken, useFactory: open, inject: [optionsToken] },
  { provide: instanceToken, useFactory: ({ instance }: Opened) => instance, inject: [stackToken] },
  HttpService,
];

/**
 * Drop-in for `@nestjs/axios`: the same `register`, `registerAsync` and `HttpService`. What is new by default: safe retries,
 * a deadline of 10 s, a circuit breaker, limits, trace headers and a log line a call; `policies: { retry: false, … }` switches each
 * off. The connections are closed in `onApplicationShutdown`.
 */
@Module({ providers: [{ provide: optionsToken, useValue: {} }, ...standing], exports: [HttpService] })
export class HttpModule implements OnApplicationShutdown {
  readonly #policies: InstancePolicies;

  /** Called by Nest. */
  constructor(@Inject(stackToken) { policies }: Opened) {
    this.#policies = policies;
  }

  /**
   * The module with these options.
   * @throws PillionError `ERR_CONFIG`, at the start of the application, for bad `policies`
   */
  static register(options: HttpModuleOptions): DynamicModule {
    return {
      module: HttpModule,
      global: options.global ?? false,
      providers: [{ provide: optionsToken, useValue: options }],
    };
  }

  /** The same with options that a provider makes. */
  static registerAsync(options: HttpModuleAsyncOptions): DynamicModule {
    const {
      useFactory,
      useClass,
      useExisting,
      inject = [],
      imports = [],
      extraProviders = [],
      global = false,
    } = options;
    const ask = (factory: HttpModuleOptionsFactory) => factory.createHttpOptions();
    const made = useFactory
      ? { provide: optionsToken, useFactory: useFactory as FactoryProvider['useFactory'], inject }
      : { provide: optionsToken, useFactory: ask, inject: [(useExisting ?? useClass) as Type] };
    const own = useFactory || useExisting || !useClass ? [] : [{ provide: useClass, useClass }];
    return { module: HttpModule, global, imports, providers: [made, ...own, ...extraProviders] };
  }

  /** Called by Nest: ends the stack and its connections; calls in flight have 10 s to finish. */
  onApplicationShutdown(): Promise<void> {
    return this.#policies.close();
  }
}
