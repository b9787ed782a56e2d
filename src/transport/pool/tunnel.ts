/** The agents of a request that axios's http adapter redirects to an origin which the client's certificate is not meant for. */
import { Agent } from 'node:https';

/** How axios tunnels through a proxy: an agent of the `agent-base` package, which calls this for each connection. */
interface Tunnel {
  callback(request: unknown, options: object): unknown;
}

/** Has the request connect as `stranger` does, through the same proxy if there is one. */
export function withoutCertificate(options: Record<string, unknown>, stranger: Agent): void {
  const agents = options.agents as { https?: Agent | Tunnel } | undefined;
  const https = agents?.https;
  options.agents = { ...agents, https: isTunnel(https) ? tunnelledAs(stranger, https) : stranger };
}

function isTunnel(agent: Agent | Tunnel | undefined): agent is Tunnel {
  return agent !== undefined && 'callback' in agent;
}

function tunnelledAs({ options: { secureContext } }: Agent, tunnel: Tunnel): Tunnel {
  const own = { cert: undefined, key: undefined, pfx: undefined, passphrase: undefined, secureContext };
  const callback = (request: unknown, options: object) => tunnel.callback(request, { ...options, ...own });
  // The second is what agent-base has made of the first by then.
  return Object.assign(Object.create(tunnel) as Tunnel, { callback, promisifiedCallback: callback });
}

/**
 * An agent of the caller's, less the certificate that it has; undefined where it has none, and where it is not Node's own kind:
 * such a one is the caller's to answer for.
 */
export function uncertified(agent: Agent): Agent | undefined {
  const { cert, key, pfx } = agent.options ?? {};
  if (Object.getPrototypeOf(agent) !== Agent.prototype || (cert ?? key ?? pfx) === undefined) return undefined;
  const none = { cert: undefined, key: undefined, pfx: undefined, passphrase: undefined, secureContext: undefined };
  return new Agent({ ...agent.options, ...none, keepAlive: false });
}
