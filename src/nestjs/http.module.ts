/** A drop-in for `HttpModule` of `@nestjs/axios` whose axios instance has pillion's policies. */
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
import { nestLogger } from './nest-logger.js';

/** Defaults of the axios instance, and the policies behind it. */
export type HttpModuleOptions = AxiosRequestConfig & {
  /** `true`: every module may inject the `HttpService`. Default: false. */
  global?: boolean;
  /** Options of the policies, as for `usePolicies`: `{ retry: { maxRetries: 1 } }`. Default: the standard policies. */
  policies?: InstancePoliciesConfig;
  /** Dependencies given as code, such as `logger` or `transport`. */
  deps?: InstancePoliciesDeps;
};

/** A provider of the options, for `registerAsync({ useClass | useExisting })`. */
export interface HttpModuleOptionsFactory {
  /** Returns the options; called once, at the start of the application. */
  createHttpOptions(): Promise<HttpModuleOptions> | HttpModuleOptions;
}

/** Options of `registerAsync`, as in `@nestjs/axios`: one of `useFactory`, `useClass` and `useExisting`. */
export interface HttpModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** An existing provider whose `createHttpOptions` is called. */
  useExisting?: Type<HttpModuleOptionsFactory>;
  /** A class that is instantiated and whose `createHttpOptions` is called. */
  useClass?: Type<HttpModuleOptionsFactory>;
  /** A factory of the options; its arguments are the providers that `inject` lists. */
  useFactory?: (...args: never[]) => Promise<HttpModuleOptions> | HttpModuleOptions;
  /** Tokens of the factory's arguments. */
  inject?: FactoryProvider['inject'];
  /** Additional providers of the module. */
  extraProviders?: Provider[];
  /** `true`: every module may inject the `HttpService`. Default: false. */
  global?: boolean;
}

const optionsToken = Symbol.for('pillion.nestjs.http-options');
const stackToken = Symbol.for('pillion.nestjs.stack');

interface Opened {
  readonly instance: AxiosInstance;
  readonly policies: InstancePolicies;
}

/** Redirects, proxies and absolute URLs keep axios's own behaviour. */
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
 * Drop-in for `@nestjs/axios` with the same `register`, `registerAsync` and `HttpService`. By default it adds safe
 * retries, a deadline of 10 s, a circuit breaker, limits, trace headers and one log line a call; switch each off with
 * `policies: { retry: false, … }`. Its connections are closed in `onApplicationShutdown`.
 */
@Module({ providers: [{ provide: optionsToken, useValue: {} }, ...standing], exports: [HttpService] })
export class HttpModule implements OnApplicationShutdown {
  readonly #policies: InstancePolicies;

  /** Called by Nest. */
  constructor(@Inject(stackToken) { policies }: Opened) {
    this.#policies = policies;
  }

  /**
   * Creates the module with these options.
   * @throws PillionError `ERR_CONFIG`, at the start of the application, for bad `policies`
   */
  static register(options: HttpModuleOptions): DynamicModule {
    return {
      module: HttpModule,
      global: options.global ?? false,
      providers: [{ provide: optionsToken, useValue: options }],
    };
  }

  /** Like `register`, with options from a provider. */
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

  /** Called by Nest: closes the policies and connections; calls in flight have 10 s to finish. */
  onApplicationShutdown(): Promise<void> {
    return this.#policies.close();
  }
}
