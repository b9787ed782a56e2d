/** Injection tokens of the clients: `Symbol.for` by name, so that they are equal in every copy of this module. */
import { Inject } from '@nestjs/common';

const registry = Symbol.for('pillion.http-clients');

/** The injection token of one client, for `inject:` lists and `overrideProvider(getHttpClientToken('billing'))`. */
export function getHttpClientToken(name: string): symbol {
  return Symbol.for(`pillion.http-client.${name}`);
}

/** The injection token of the registry (`HttpClients`). */
export function getHttpClientsToken(): symbol {
  return registry;
}

/**
 * Injects a client by name; the module has to import `HttpClientModule.forFeature([name])`, unless the client is
 * global.
 */
export function InjectHttpClient(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getHttpClientToken(name));
}

/** Injects the registry (`HttpClients`), for `get(name)`, `stats()`, `refresh()`. */
export function InjectHttpClients(): PropertyDecorator & ParameterDecorator {
  return Inject(registry);
}
