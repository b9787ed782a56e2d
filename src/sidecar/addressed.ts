/** Finds the client that a request of the listener is meant for, by its host and path. */
import { configOf } from '../client/client.js';
import type { ClientHandle } from '../client/http-client.js';
import { isOwnAddress } from '../transport/own-proxies.js';
import { type LocalAnswer, refusal } from './local-answer.js';
import { baseOf, covering, type Member, membersOf, type SomeClients } from './members.js';

/** Where a request goes. */
export interface Addressed {
  readonly client: ClientHandle;
  readonly name: string;
  /** For `forward`: a path that follows that of `baseURL`, or an absolute URL. */
  readonly url: string;
}

/** A target as it stands in a request, taken apart. */
interface Asked {
  /** In lower case, without a port. */
  readonly host: string;
  /** Empty for that of the scheme, whichever scheme it is. */
  readonly port: string;
  /** With the query. */
  readonly path: string;
  /** An absolute URL, as it is sent to a proxy. */
  readonly absolute: boolean;
}

/**
 * Returns the client for a target (a path or an absolute URL) and a host (`Host` or `:authority`), or the answer that says
 * why there is none. One client gets every path, whatever its host; of a set, and for an absolute URL, first the client
 * with the longest `baseURL` that covers the URL, else the client with the name, `billing` or `billing.localhost`.
 */
export function addressed(
  clients: SomeClients,
  target: string,
  host: string | undefined,
  own: string,
): Addressed | LocalAnswer {
  const asked = askedOf(encoded(target), host);
  if (asked === undefined) return malformed;
  const isOnly = isAlone(clients) && (!asked.absolute || isOwn(asked, own));
  const found = isOnly
    ? at([...membersOf(clients)][0] as Member, asked.path)
    : (covered(clients, asked) ?? named(clients, asked));
  if (found === undefined) return unknownHost(clients, asked);
  const base = baseOf(found.client);
  if (base === undefined)
    return refusal(404, 'ERR_NO_BASE_URL', `${found.name}: the client has no baseURL, so it serves no path.`);
  if (isOwnAddress(base.url))
    return refusal(508, 'ERR_LOOP', `${found.name}: its baseURL is the address of this listener itself.`);
  return found;
}

const malformed = refusal(400, 'ERR_BAD_TARGET', 'The target of the request is neither a path nor an http:// URL.');

/** Raw bytes beyond ASCII, which Node gives as Latin-1: a URL parser would encode them a second time. */
function encoded(target: string): string {
  return target.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

const absoluteForm = /^https?:\/\/(?:[^/?#]*@)?([^/?#@]+)(.*)$/is;
const authority = /^(\[[\da-f:.]+\]|[^:[\]/?#@\s]+?)\.?(?::(\d*))?$/i;

function askedOf(target: string, host = ''): Asked | undefined {
  const absolute = absoluteForm.exec(target);
  if (absolute === null && !target.startsWith('/')) return undefined;
  const [, name = '', port = ''] = authority.exec(absolute?.[1] ?? host) ?? [];
  if (name === '' && absolute !== null) return undefined;
  const rest = absolute?.[2] ?? target;
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return { host: name.toLowerCase(), port: standard(port), path, absolute: absolute !== null };
}

function standard(port: string): string {
  return port === '80' || port === '443' ? '' : port;
}

/** The address of the listener, `127.0.0.1:15001`. */
function isOwn({ host, port }: Asked, own: string): boolean {
  const at = own.lastIndexOf(':');
  return own.slice(at + 1) === port && (host === own.slice(0, at) || host === 'localhost');
}

/** True for one client, in place of a set. */
function isAlone(clients: SomeClients): boolean {
  return configOf(clients as ClientHandle) !== undefined;
}

/** A client whose `baseURL` has the host, whatever the scheme. */
function covered(clients: SomeClients, { host, port, path }: Asked): Addressed | undefined {
  const found = covering(clients, withoutDots(path), (base) => base.host === host && standard(base.port) === port);
  return found && { client: found.client, name: found.name, url: found.base.origin + path };
}

/** A path with dot segments means another path than its text. */
function withoutDots(path: string): string {
  if (!/\/\.|%2e|\\/i.test(path) || !URL.canParse(`http://host${path}`)) return path;
  return new URL(`http://host${path}`).pathname;
}

/** Whatever the port, which mostly is that of the listener. */
function named(clients: SomeClients, { host, path }: Asked): Addressed | undefined {
  const name = host.replace(/\.localhost$/, '');
  for (const member of membersOf(clients)) if (member.name.toLowerCase() === name) return at(member, path);
  return undefined;
}

function at({ client, name }: Member, url: string): Addressed {
  return { client, name, url };
}

function unknownHost(clients: SomeClients, { host, absolute }: Asked): LocalAnswer {
  const hosts = [...membersOf(clients)].flatMap(({ client, name }) => {
    const base = baseOf(client);
    return base === undefined ? [name] : [name, base.url.host + base.path];
  });
  const known = hosts.length === 0 ? 'There are no clients.' : `Known are: ${[...new Set(hosts)].join(', ')}.`;
  const what = absolute ? 'the URL of the request' : `the host "${host.slice(0, 255)}"`;
  return refusal(404, 'ERR_UNKNOWN_HOST', `No client covers ${what}. ${known}`);
}
