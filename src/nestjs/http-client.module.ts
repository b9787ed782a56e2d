/** Named clients as a NestJS module: one registry, injected by name, closed after the last inbound request. */
import { type DynamicModule, Inject, Module, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { HttpClients } from '../registry/registry.js';
import { InboundContextInterceptor, inboundOptionsToken } from './inbound.js';
import {
  asyncProviders,
  type HttpClientModuleAsyncOptions,
  type HttpClientModuleExtras,
  type HttpClientModuleOptions,
  openClients,
  optionsToken,
} from './options.js';
import { getHttpClientsToken, getHttpClientToken } from './tokens.js';

/**
 * `forRoot` once, in the root module; `forFeature(['billing'])` in each module that injects a client. However many modules
 * name a client, there is one. The clients are closed in `onApplicationShutdown`: Nest has closed the server by then, so
 * inbound requests have ended and none loses the client it is using. For signals call `app.enableShutdownHooks()`.
 */
@Module({})
export class HttpClientModule implements OnApplicationShutdown {
  readonly #clients: HttpClients;

  /** Called by Nest. */
  constructor(@Inject(getHttpClientsToken()) clients: HttpClients) {
    this.#clients = clients;
  }

  /** The clients of a configuration, or of a file that may be watched. A bad configuration fails the start of the application. */
  static forRoot(options: HttpClientModuleOptions & HttpClientModuleExtras): DynamicModule {
    const { isGlobal, inbound, ...rest } = options;
    const names = isGlobal === true ? Object.keys(rest.clients ?? {}) : isGlobal;
    if (isGlobal === true && rest.clients === undefined) throw namesAreMissing();
    return root([{ provide: optionsToken, useValue: rest }], names, inbound);
  }

  /** The same with options that other providers make, such as `ConfigService`. */
  static forRootAsync(options: HttpClientModuleAsyncOptions): DynamicModule {
    const { isGlobal, inbound, imports = [] } = options;
    if (isGlobal === true) throw namesAreMissing();
    return { ...root(asyncProviders(options), isGlobal, inbound), imports };
  }

  /** Provides clients of the registry by name. A name that the configuration does not have fails the start with `ERR_UNKNOWN_CLIENT`. */
  static forFeature(names: readonly string[]): DynamicModule {
    const providers = clientProviders(names);
    return { module: HttpClientFeatureModule, providers, exports: names.map(getHttpClientToken) };
  }

  /** Called by Nest: closes every client; calls in flight have 10 s to finish. */
  onApplicationShutdown(): Promise<void> {
    return this.#clients.close();
  }
}

/** A class of its own: the hook of the registry belongs to the root alone. */
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
    // The registry is for everybody: forFeature asks it wherever it stands.
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

/** The value of `APP_INTERCEPTOR`, which stands in `@nestjs/core`. */
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
  const message = "HttpClientModule: the names are not known yet; list them: isGlobal: ['billing'].";
  return new PillionError(ErrorCode.CONFIG, message);
}
