/** What the module is told, and how it opens the clients. */
import type { FactoryProvider, ModuleMetadata, Provider, Type } from '@nestjs/common';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { InboundOptions } from '../call/inbound.js';
import type { HttpClientsConfig } from '../registry/file/clients.js';
import { type HttpClients, type HttpClientsDeps, loadHttpClients } from '../registry/registry.js';
import type { ConfigSource } from '../registry/source.js';
import { nestLogger } from './logger.js';

/** Where the clients are named: exactly one of `clients`, `file` and `source`; the rest is as for `loadHttpClients`. */
export interface HttpClientModuleOptions extends HttpClientsDeps {
  /** Clients by name, with what `createHttpClient` takes. */
  clients?: HttpClientsConfig['clients'];
  /** Merged under each of `clients`. */
  defaults?: HttpClientsConfig['defaults'];
  /** Path of a YAML or JSON file with `clients` and `defaults`. */
  file?: string;
  /** Where the configuration is no file. */
  source?: ConfigSource;
}

/** What has to be known before the options are there. */
export interface HttpClientModuleExtras {
  /**
   * Clients that every module may inject without `forFeature`; `true`: all of `clients`, which with `forRootAsync` or a file
   * are not known yet and have to be listed. None by default.
   */
  isGlobal?: boolean | readonly string[];
  /** Carries id, baggage and deadline of inbound requests to outbound calls, by `InboundContextInterceptor` for all routes; off by default. */
  inbound?: boolean | InboundOptions;
}

/** Makes the options for `forRootAsync({ useClass | useExisting })`. */
export interface HttpClientModuleOptionsFactory {
  /** Asked once, at the start. */
  createHttpClientOptions(): HttpClientModuleOptions | Promise<HttpClientModuleOptions>;
}

/** Exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface HttpClientModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'>, HttpClientModuleExtras {
  /** Makes the options, of what `inject` names. */
  useFactory?: (...args: never[]) => HttpClientModuleOptions | Promise<HttpClientModuleOptions>;
  /** Tokens of the factory's arguments. */
  inject?: FactoryProvider['inject'];
  /** Is made, and asked for the options. */
  useClass?: Type<HttpClientModuleOptionsFactory>;
  /** The token of one that exists, and is asked. */
  useExisting?: FactoryProvider['provide'];
}

/** Under which the options are provided. */
export const optionsToken = Symbol.for('pillion.nestjs.options');

/** @throws PillionError `ERR_CONFIG` */
export function openClients(options: HttpClientModuleOptions): HttpClients | Promise<HttpClients> {
  const { clients, defaults, file, source, logger = nestLogger(), ...deps } = options;
  const [config, ...more] = [clients && { clients, ...(defaults && { defaults }) }, file, source].filter(
    (each) => each !== undefined,
  );
  if (config === undefined || more.length > 0)
    throw new PillionError(ErrorCode.CONFIG, 'HttpClientModule takes exactly one of clients, file and source.');
  return loadHttpClients(config as ConfigSource, { ...deps, logger });
}

/** @throws PillionError `ERR_CONFIG` */
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
