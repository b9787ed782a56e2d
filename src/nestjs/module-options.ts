/** The options of `HttpClientModule`, and how it creates the clients from them. */
import type { FactoryProvider, ModuleMetadata, Provider, Type } from '@nestjs/common';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { InboundOptions } from '../call/inbound.js';
import type { HttpClientsConfig } from '../registry/file/config-faults.js';
import type { HttpClients, HttpClientsDeps } from '../registry/http-clients.js';
import { loadHttpClients } from '../registry/load-http-clients.js';
import type { ConfigSource } from '../registry/source.js';
import { nestLogger } from './nest-logger.js';

/** Exactly one of `clients`, `file` and `source`, and the dependencies of `loadHttpClients`. */
export interface HttpClientModuleOptions extends HttpClientsDeps {
  /** Options of each client, by its name, as for `createHttpClient`. */
  clients?: HttpClientsConfig['clients'];
  /** Options merged under each of `clients`; only together with `clients`. */
  defaults?: HttpClientsConfig['defaults'];
  /** Path of a YAML or JSON file with `clients` and `defaults`. */
  file?: string;
  /** A configuration source other than a file. */
  source?: ConfigSource;
}

/** Options that Nest needs at once, before the options of `forRootAsync` are available. */
export interface HttpClientModuleExtras {
  /**
   * Names of clients that every module may inject without `forFeature`. `true`: all of `clients`; with `forRootAsync`,
   * `file` or `source` the names are not known yet and have to be listed. Default: none.
   */
  isGlobal?: boolean | readonly string[];
  /**
   * Passes request id, baggage and deadline of inbound requests on to calls, by an `InboundContextInterceptor` on all
   * routes. Default: off.
   */
  inbound?: boolean | InboundOptions;
}

/** A provider of the options, for `forRootAsync({ useClass | useExisting })`. */
export interface HttpClientModuleOptionsFactory {
  /** Returns the options; called once, at the start of the application. */
  createHttpClientOptions(): HttpClientModuleOptions | Promise<HttpClientModuleOptions>;
}

/** Options of `forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface HttpClientModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'>, HttpClientModuleExtras {
  /** A factory of the options; its arguments are the providers that `inject` lists. */
  useFactory?: (...args: never[]) => HttpClientModuleOptions | Promise<HttpClientModuleOptions>;
  /** Tokens of the factory's arguments. */
  inject?: FactoryProvider['inject'];
  /** A class that is instantiated and whose `createHttpClientOptions` is called. */
  useClass?: Type<HttpClientModuleOptionsFactory>;
  /** Injection token of an existing provider whose `createHttpClientOptions` is called. */
  useExisting?: FactoryProvider['provide'];
}

/** Injection token of the options. */
export const optionsToken = Symbol.for('pillion.nestjs.options');

/**
 * Creates the registry.
 * @throws PillionError `ERR_CONFIG` unless exactly one of `clients`, `file` and `source` is given
 */
export function openClients(options: HttpClientModuleOptions): HttpClients | Promise<HttpClients> {
  const { clients, defaults, file, source, logger = nestLogger(), ...deps } = options;
  const [config, ...more] = [clients && { clients, ...(defaults && { defaults }) }, file, source].filter(
    (each) => each !== undefined,
  );
  if (config === undefined || more.length > 0)
    throw new PillionError(ErrorCode.CONFIG, 'HttpClientModule takes exactly one of clients, file and source.');
  return loadHttpClients(config as ConfigSource, { ...deps, logger });
}

/**
 * The providers of `forRootAsync`.
 * @throws PillionError `ERR_CONFIG` unless exactly one way to make the options is given
 */
export function asyncProviders(options: HttpClientModuleAsyncOptions): Provider[] {
  const { useFactory, inject = [], useClass, useExisting } = options;
  if ([useFactory, useClass, useExisting].filter((each) => each !== undefined).length !== 1) {
    const message = 'HttpClientModule.forRootAsync takes exactly one of useFactory, useClass and useExisting.';
    throw new PillionError(ErrorCode.CONFIG, message);
  }
  if (useFactory !== undefined)
    return [{ provide: optionsToken, useFactory: useFactory as FactoryProvider['useFactory'], inject }];
  const ask = (factory: HttpClientModuleOptionsFactory) => factory.createHttpClientOptions();
  const asked = { provide: optionsToken, useFactory: ask, inject: [(useExisting ?? useClass) as Type] };
  return useClass === undefined ? [asked] : [asked, { provide: useClass, useClass }];
}
