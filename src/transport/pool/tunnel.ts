/** The agents of a request that axios's http adapter redirects to an origin which the client's certificate is not meant for. */
import { Agent } from 'node:https';

/** How axios tunnels through a proxy: an agent of the `agent-base` package, which calls this for each connection. */
interface Tunnel {
  callback(request: unknown, options: object): unknown;
}

/** Makes the request connect with the agent `stranger`, through the same proxy if there is one. */
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
  // agent-base has already made `promisifiedCallback` of `callback`, so both are replaced.
  return Object.assign(Object.create(tunnel) as Tunnel, { callback, promisifiedCallback: callback });
}

/**
 * A copy of the caller's agent without its certificate. Undefined where it has none, and where it is not of Node's own
 * class: the caller is responsible for such an agent.
 */
export function uncertified(agent: Agent): Agent | undefined {
  const { cert, key, pfx } = agent.options ?? {};
  if (Object.getPrototypeOf(agent) !== Agent.prototype || (cert ?? key ?? pfx) === undefined) return undefined;
  const none = { cert: undefined, key: undefined, pfx: undefined, passphrase: undefined, secureContext: undefined };
  return new Agent({ ...agent.options, ...none, keepAlive: false });
}
