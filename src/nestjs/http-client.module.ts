/** A NestJS module for named clients: one registry, clients injected by name, closed after the server. */
import { type DynamicModule, Inject, Module, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { HttpClients } from '../registry/http-clients.js';
import { InboundContextInterceptor, inboundOptionsToken } from './inbound-context.js';
import {
  asyncProviders,
  type HttpClientModuleAsyncOptions,
  type HttpClientModuleExtras,
  type HttpClientModuleOptions,
  openClients,
  optionsToken,
} from './module-options.js';
import { getHttpClientsToken, getHttpClientToken } from './tokens.js';

/**
 * Provides named clients. Import `forRoot` once, in the root module, and `forFeature(['billing'])` in each module that
 * injects a client; all modules share the same client. The clients are closed in `onApplicationShutdown`: Nest has
 * closed the server by then, so inbound requests have ended and none loses the client it is using. To close on signals,
 * call `app.enableShutdownHooks()`.
 */
@Module({})
export class HttpClientModule implements OnApplicationShutdown {
  readonly #clients: HttpClients;

  /** Called by Nest. */
  constructor(@Inject(getHttpClientsToken()) clients: HttpClients) {
    this.#clients = clients;
  }

  /**
   * Creates the clients of a configuration, or of a file that may be watched. An invalid configuration fails the start
   * of the application with `ERR_CONFIG`.
   */
  static forRoot(options: HttpClientModuleOptions & HttpClientModuleExtras): DynamicModule {
    const { isGlobal, inbound, ...rest } = options;
    const names = isGlobal === true ? Object.keys(rest.clients ?? {}) : isGlobal;
    if (isGlobal === true && rest.clients === undefined) throw namesAreMissing();
    return root([{ provide: optionsToken, useValue: rest }], names, inbound);
  }

  /** Like `forRoot`, with options from other providers, such as `ConfigService`. */
  static forRootAsync(options: HttpClientModuleAsyncOptions): DynamicModule {
    const { isGlobal, inbound, imports = [] } = options;
    if (isGlobal === true) throw namesAreMissing();
    return { ...root(asyncProviders(options), isGlobal, inbound), imports };
  }

  /** Provides clients by name. A name that is not in the configuration fails the start with `ERR_UNKNOWN_CLIENT`. */
  static forFeature(names: readonly string[]): DynamicModule {
    const providers = clientProviders(names);
    return { module: HttpClientFeatureModule, providers, exports: names.map(getHttpClientToken) };
  }

  /** Called by Nest: closes every client; calls in flight have 10 s to finish. */
  onApplicationShutdown(): Promise<void> {
    return this.#clients.close();
  }
}

/** A separate class for `forFeature`, so that only the root module has the shutdown hook that closes the registry. */
@Module({})
class HttpClientFeatureModule {}

function root(
  options: Provider[],
  names: readonly string[] | false | undefined,
  inbound: HttpClientModuleExtras['inbound'],
): DynamicModule {
  const registry = { provide: getHttpClientsToken(), useFactory: openClients, inject: [optionsToken] };
  const named = clientProviders(names || []);
  return {
    module: HttpClientModule,
    // Global, so that forFeature can inject the registry in any module.
    global: true,
    providers: [...options, registry, ...named, ...inboundProviders(inbound)],
    exports: [getHttpClientsToken(), ...(names || []).map(getHttpClientToken)],
  };
}

function clientProviders(names: readonly string[]): Provider[] {
  return names.map((name) => ({
    provide: getHttpClientToken(name),
    useFactory: (clients: HttpClients) => clients.get(name),
    inject: [getHttpClientsToken()],
  }));
}

/** The value of `APP_INTERCEPTOR`; importing it would need `@nestjs/core`. */
const forAllRoutes = 'APP_INTERCEPTOR';

function inboundProviders(inbound: HttpClientModuleExtras['inbound']): Provider[] {
  if (!inbound) return [];
  const options = inbound === true ? {} : inbound;
  return [
    { provide: inboundOptionsToken, useValue: options },
    { provide: forAllRoutes, useClass: InboundContextInterceptor },
  ];
}

function namesAreMissing(): PillionError {
  const message =
    "HttpClientModule: isGlobal: true needs `clients` in forRoot, since the names of a file, source or factory are not known yet. List the names instead: isGlobal: ['billing'].";
  return new PillionError(ErrorCode.CONFIG, message);
}
