/** Loads named clients from a file, an object or a source. */
import { types } from 'node:util';
import { duration } from '../options/duration.js';
import { parseOptions } from '../options/options.js';
import type { HttpClientsConfig } from './file/config-faults.js';
import type { HttpClients, HttpClientsDeps } from './http-clients.js';
import { badConfiguration, faultOf, Registry } from './registry.js';
import { type ConfigSource, fileSource } from './source.js';

/**
 * Creates the clients of a configuration: the path of a YAML or JSON file, an object, or a `ConfigSource`. A file and
 * an object are read synchronously; for a source whose `load` is asynchronous a promise is returned.
 * @throws PillionError `ERR_CONFIG` with every fault as `file:line:column path message`
 */
export function loadHttpClients(config: string | HttpClientsConfig, deps?: HttpClientsDeps): HttpClients;
export function loadHttpClients(config: ConfigSource<string | object>, deps?: HttpClientsDeps): HttpClients;
export function loadHttpClients(config: ConfigSource, deps?: HttpClientsDeps): Promise<HttpClients>;
export function loadHttpClients(
  config: string | HttpClientsConfig | ConfigSource,
  { watch = false, env = process.env, ...deps }: HttpClientsDeps = {},
): HttpClients | Promise<HttpClients> {
  const interval = watchInterval(watch);
  const source = sourceOf(config, interval);
  const registry = new Registry(source, deps, env);
  // A user's own source is always subscribed to, also without `watch`: a source is given `subscribe` for this purpose.
  const watched = interval ?? (isSource(config) ? standardInterval : undefined);
  const unloadable = (error: unknown) => {
    throw badConfiguration([faultOf(source, error)]);
  };
  let loaded: ReturnType<ConfigSource['load']>;
  try {
    loaded = source.load();
  } catch (error) {
    return unloadable(error);
  }
  // Not by `instanceof`: in jest, the promises of Node's own modules are of another realm.
  if (!types.isPromise(loaded)) return registry.open(loaded, watched);
  return (loaded as Promise<string | object>).catch(unloadable).then((document) => registry.open(document, watched));
}

const standardInterval = 5000;

function watchInterval(watch: HttpClientsDeps['watch']): number | undefined {
  if (!watch) return undefined;
  return watch === true
    ? standardInterval
    : parseOptions(duration({ min: 20 }), watch.interval, 'deps.watch.interval', ['deps', 'watch', 'interval']);
}

function isSource(config: object | string): config is ConfigSource {
  return typeof config === 'object' && typeof (config as Partial<ConfigSource>).load === 'function';
}

function sourceOf(config: string | HttpClientsConfig | ConfigSource, interval = standardInterval): ConfigSource {
  if (typeof config === 'string') return fileSource(config, interval);
  return isSource(config) ? config : { name: 'the configuration', load: () => config };
}
