/** Injection tokens of clients and stacks: `Symbol.for` by name, so that they are equal in every copy of this module. */
import { Inject } from '@nestjs/common';

const registry = Symbol.for('pillion.http-clients');
const moduleClients = Symbol.for('pillion.http-module-clients');

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

/** The injection token of the stack (`InstancePolicies`) behind the `HttpModule` that is registered with this name. */
export function getHttpModuleClientToken(name: string): symbol {
  return Symbol.for(`pillion.http-module-client.${name}`);
}

/**
 * The injection token of the stacks of all `HttpModule`s of the application, as a list for `createAdmin`,
 * `createPrometheus`, `recordMetrics` and `healthOfClients`. It can be injected in every module once one of them imports
 * `HttpModule`.
 */
export function getHttpModuleClientsToken(): symbol {
  return moduleClients;
}

/**
 * Injects the stack (`InstancePolicies`) of the `HttpModule` that is registered with this name, for `stats()`, `update()`
 * and `forceCircuit()`.
 */
export function InjectHttpModuleClient(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getHttpModuleClientToken(name));
}
