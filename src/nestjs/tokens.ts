/** Under which tokens the clients are provided: symbols by name, the same in every copy of this module. */
import { Inject } from '@nestjs/common';

const registry = Symbol.for('pillion.http-clients');

/** The token of one client, for `inject:` lists and `overrideProvider(getHttpClientToken('billing'))`. */
export function getHttpClientToken(name: string): symbol {
  return Symbol.for(`pillion.http-client.${name}`);
}

/** The token of all clients together (`HttpClients`). */
export function getHttpClientsToken(): symbol {
  return registry;
}

/** Injects the client of a name; the module has `HttpClientModule.forFeature([name])` among its imports, or the client is global. */
export function InjectHttpClient(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getHttpClientToken(name));
}

/** Injects all clients together (`HttpClients`), for `get(name)`, `stats()`, `refresh()`. */
export function InjectHttpClients(): PropertyDecorator & ParameterDecorator {
  return Inject(registry);
}
