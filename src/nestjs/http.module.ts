/** A drop-in for `HttpModule` of `@nestjs/axios` whose axios instance has pillion's policies. */
import { randomUUID } from 'node:crypto';
import {
  type DynamicModule,
  type FactoryProvider,
  Global,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { processWide } from '../call/process-wide.js';
import {
  type InstancePolicies,
  type InstancePoliciesConfig,
  type InstancePoliciesDeps,
  usePolicies,
} from '../client/use-policies.js';
import { HttpService, instanceToken } from './http.service.js';
import { nestLogger } from './nest-logger.js';
import { getHttpModuleClientsToken, getHttpModuleClientToken } from './tokens.js';

/** Defaults of the axios instance, and the policies behind it. */
export type HttpModuleOptions = AxiosRequestConfig & {
  /** `true`: every module may inject the `HttpService`. Default: false. */
  global?: boolean;
  /**
   * Names the stack in log lines, metrics, health and on the admin page, and is its injection token:
   * `getHttpModuleClientToken(name)`. Default: none, so the stack is called `default` there and is in the list of
   * `getHttpModuleClientsToken()` only.
   */
  name?: string;
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
  // biome-ignore lint/suspicious/noExplicitAny: as in @nestjs/axios, so that a factory may leave its arguments untyped.
  useFactory?: (...args: any[]) => Promise<HttpModuleOptions> | HttpModuleOptions;
  /** Tokens of the factory's arguments. */
  inject?: FactoryProvider['inject'];
  /** Additional providers of the module. */
  extraProviders?: Provider[];
  /** `true`: every module may inject the `HttpService`. Default: false. */
  global?: boolean;
  /**
   * The name, as in `HttpModuleOptions`. It has to be given here to be an injection token, because the options are not
   * known yet when Nest reads the tokens.
   */
  name?: string;
}

/** The string of `@nestjs/axios`, for tests that override its options. */
const optionsToken = 'HTTP_MODULE_OPTIONS';
const stackToken = Symbol.for('pillion.nestjs.stack');

interface Opened {
  readonly instance: AxiosInstance;
  readonly policies: InstancePolicies;
}

/** The options of an `HttpModule` that is imported without `register`. */
const unregistered: HttpModuleOptions = {};

/** Redirects, proxies and absolute URLs keep axios's own behaviour. */
function open(options: HttpModuleOptions, clients: InstancePolicies[]): Opened {
  const { global: _, name, policies: config = {}, deps = {}, ...defaults } = options;
  const instance = axios.create(defaults);
  // There @nestjs/axios calls the global axios, so interceptors of the one are those of the other.
  if (options === unregistered) Object.assign(instance.interceptors, axios.interceptors);
  const named = name === undefined ? config : { ...config, name };
  const policies = usePolicies(instance, named, { logger: nestLogger(), ...deps });
  clients.push(policies);
  return { instance, policies };
}

function stackProvider(name?: string): Provider {
  const useFactory = (options: HttpModuleOptions, clients: InstancePolicies[]) =>
    open(name === undefined ? options : { ...options, name }, clients);
  return { provide: stackToken, useFactory, inject: [optionsToken, getHttpModuleClientsToken()] };
}

const providers: Provider[] = [
  { provide: optionsToken, useValue: unregistered },
  stackProvider(),
  { provide: instanceToken, useFactory: ({ instance }: Opened) => instance, inject: [stackToken] },
  HttpService,
];
const exported: Type[] = [HttpService];

/**
 * The ES module and the CommonJS build each have a class `HttpService`, which is a token: the module of the one provides the
 * class of the other too. Nest reads these lists when it creates the application.
 */
const builds = processWide('HttpModule', () => [] as { service: Type; providers: Provider[]; exported: Type[] }[]);
for (const other of builds) {
  providers.push({ provide: other.service, useExisting: HttpService });
  exported.push(other.service);
  other.providers.push({ provide: HttpService, useExisting: other.service });
  other.exported.push(HttpService);
}
builds.push({ service: HttpService, providers, exported });

/** The list of all stacks of an application; global, so that health indicators of any module see it. */
@Global()
@Module({
  providers: [{ provide: getHttpModuleClientsToken(), useFactory: () => [] }],
  exports: [getHttpModuleClientsToken()],
})
class HttpModuleClientsModule {}

/**
 * Drop-in for `@nestjs/axios` with the same `register`, `registerAsync` and `HttpService`. By default it adds safe
 * retries, a deadline of 10 s, a circuit breaker, limits, trace headers and one log line a call; switch each off with
 * `policies: { retry: false, … }`. Its connections are closed in `onApplicationShutdown`.
 */
@Module({
  imports: [HttpModuleClientsModule],
  providers,
  exports: exported,
})
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
    return dynamic(options, [{ provide: optionsToken, useValue: options }]);
  }

  /** Like `register`, with options from a provider. */
  static registerAsync(options: HttpModuleAsyncOptions): DynamicModule {
    const { useFactory, useClass, useExisting, inject = [], imports, extraProviders = [] } = options;
    const ask = (factory: HttpModuleOptionsFactory) => factory.createHttpOptions();
    const made = useFactory
      ? { provide: optionsToken, useFactory, inject }
      : { provide: optionsToken, useFactory: ask, inject: [(useExisting ?? useClass) as Type] };
    const own = useFactory || useExisting || !useClass ? [] : [{ provide: useClass, useClass }];
    return { ...dynamic(options, [made, ...own, ...extraProviders]), ...(imports && { imports }) };
  }

  /** Called by Nest: closes the policies and connections; calls in flight have 10 s to finish. */
  onApplicationShutdown(): Promise<void> {
    return this.#policies.close();
  }
}

function dynamic({ name, global }: HttpModuleAsyncOptions, more: Provider[]): DynamicModule {
  // Nest 10 takes two modules with the same metadata for one; as with @nestjs/axios, each has its own instance.
  const own: Provider[] = [{ provide: 'HTTP_MODULE_ID', useValue: randomUUID() }];
  const exports = name === undefined ? [] : [getHttpModuleClientToken(name)];
  for (const provide of exports)
    own.push(stackProvider(name), { provide, useFactory: ({ policies }: Opened) => policies, inject: [stackToken] });
  return { module: HttpModule, providers: [...own, ...more], exports, ...(global !== undefined && { global }) };
}
