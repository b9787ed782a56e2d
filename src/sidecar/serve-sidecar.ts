/** Serves clients to other HTTP clients: a listener in this process, in place of the port of a sidecar. */
import { ErrorCode, PillionError } from '../call/errors.js';
import { configOf } from '../client/client.js';
import type { ClientHandle, CloseOptions } from '../client/http-client.js';
import { createIdentity } from '../client/shared-identity.js';
import { closeOptions } from '../client/state.js';
import { parseOptions } from '../options/options.js';
import { SidecarListener } from './listener.js';
import { checkMembers, type SomeClients } from './members.js';
import { refusalOfTunnel, relay } from './relay.js';
import { type SidecarOptions, sidecarOptions } from './sidecar-options.js';

/** A listener of `serveSidecar`. */
export interface Sidecar extends AsyncDisposable {
  /** `http://127.0.0.1:15001`, with `https` where there is `tls`; `unix:` and the path for a unix socket. */
  readonly url: string;
  /**
   * Refuses new connections, lets requests finish within `grace` (default 10s), then ends those that are left. Resolves
   * once every connection is closed. The clients stay open.
   */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Listens with HTTP/1.1 and HTTP/2 (h2c, with prior knowledge) and sends each request through a client, with its policies.
 * One client gets every request. Of a set, the host decides: the name of a client (`billing`, `billing.localhost`), or the
 * host of its `baseURL`, also as a forward proxy (`HTTP_PROXY`). Failures of the client are answered as Envoy answers them,
 * with the code in the header `x-pillion-error`.
 * @throws PillionError `ERR_CONFIG` for bad options and for what is no client of this library; Node's error, such as
 * `EADDRINUSE`, where it cannot listen
 */
export async function serveSidecar(clients: SomeClients, options: SidecarOptions = {}): Promise<Sidecar> {
  checkServed(clients);
  const parsed = parseOptions(sidecarOptions, options, 'serveSidecar');
  const identity = options.tls && createIdentity(options.tls);
  const service = { ...parsed, clients, own: '' };
  const listener = new SidecarListener(
    parsed,
    identity,
    (down) => void relay(down, service),
    (request) => refusalOfTunnel(request, service),
  );
  let url: string;
  try {
    url = await listener.listen();
  } catch (error) {
    identity?.close();
    throw error;
  }
  service.own = url.replace(/^(https?:\/\/|unix:.*)/, '');
  const close = async (options: CloseOptions = {}) => {
    await listener.close(parseOptions(closeOptions, options, 'close').grace);
    identity?.close();
  };
  return { url, close, [Symbol.asyncDispose]: () => close() };
}

/** @throws PillionError `ERR_CONFIG` */
function checkServed(clients: unknown): asserts clients is SomeClients {
  checkMembers(clients, 'serveSidecar');
  const config = configOf(clients as ClientHandle);
  if (config !== undefined && config.baseURL === undefined)
    throw new PillionError(ErrorCode.CONFIG, `serveSidecar: the client ${config.name} has no baseURL.`);
}
