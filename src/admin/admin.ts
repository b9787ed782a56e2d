/** The admin handler: what Envoy's admin port shows, of the clients in this process. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClientSet } from '../clients.js';
import { ErrorCode, PillionError } from '../errors.js';
import type { HealthOptions } from '../health.js';
import { createPrometheus } from '../metrics/prometheus.js';
import { type AdminToken, checkToken, refusalOf } from './access.js';
import { EventStream } from './events.js';
import { brief, isRead, notAllowed, pageFor, type Sent, send, setHeaders, urlOf } from './respond.js';
import { answerTo, ready, type Subject } from './routes.js';
import { Watcher } from './snapshot.js';

/** Who may ask, and what may be changed. */
export interface AdminOptions extends HealthOptions {
  /** Lets requests from other machines in; without it only this machine is answered. */
  token?: AdminToken;
  /** Allow `POST /clients/{name}/circuit`; false by default. */
  writable?: boolean;
  /** The path it is mounted under where the host does not take that off the URL: Fastify. Empty by default. */
  prefix?: string;
}

/** Where the server listens. */
export interface ListenOptions {
  /** 0, any free one, by default. */
  port?: number;
  /** `127.0.0.1` by default; other addresses need a token. */
  host?: string;
}

/** A request handler of `node:http`, and of what calls such: Express, Fastify, Nest. */
export interface Admin extends AsyncDisposable {
  /** Answers every request; none is passed on. */
  (request: IncomingMessage, response: ServerResponse): void;
  /** Opens a server of its own, which does not keep the process alive. */
  listen(options?: ListenOptions): Promise<{ port: number; url: string }>;
  /** Ends streams and servers, and counts no more. */
  close(): Promise<void>;
}

/**
 * Makes a handler that shows clients: `/` a page with live figures, `/ready`, `/stats` (JSON or Prometheus), `/clients`,
 * `/config` (secrets masked), `/certs`, `/events`, and `POST /clients/{name}/circuit?state=open|closed|auto` where it is writable.
 * Without a `token` only requests from this machine, addressed to localhost and forwarded by no proxy, are answered; behind a
 * proxy always give one. `/ready` answers everybody, others without its reasons.
 * @throws PillionError `ERR_CONFIG` for a token that is too short or a prefix that is no path
 */
export function createAdmin(clients: ClientSet, options: AdminOptions = {}): Admin {
  const { token, writable = false, prefix = '', ...health } = options;
  checkToken(token);
  if (!/^(\/[^/?#]+)*$/.test(prefix))
    throw new PillionError(ErrorCode.CONFIG, `createAdmin: prefix has to be a path such as "/admin", not "${prefix}".`);
  const prometheus = createPrometheus(clients);
  const subject: Subject = { clients, health, writable, prometheus };
  const stream = new EventStream(() => new Watcher(clients, { ...health, writable }));
  const servers = new Set<Server>();

  /** The answer; none for who watches from now on. */
  const answer = (request: IncomingMessage, response: ServerResponse): Sent | undefined => {
    const url = urlOf(request, prefix);
    if (url.pathname === '/' && isRead(request)) return pageFor(request, token);
    const refusal = refusalOf(request, token);
    // A probe comes from elsewhere and has no token.
    if (refusal && url.pathname === '/ready' && isRead(request)) return brief(ready(clients, health));
    if (refusal) return { status: refusal.status, body: { error: refusal.error } };
    if (url.pathname !== '/events') return answerTo(request, url, subject);
    if (request.method !== 'GET') return notAllowed(['GET']);
    if (stream.full) return { status: 503, body: { error: 'Too many watch already.' } };
    setHeaders(response);
    stream.add(response);
    return undefined;
  };
  const admin = (request: IncomingMessage, response: ServerResponse): void => {
    try {
      const sent = answer(request, response);
      if (sent !== undefined) send(request, response, sent);
    } catch {
      // Whose error it is cannot be known, nor what it says.
      send(request, response, { status: 500, body: { error: 'The request could not be answered.' } });
    }
  };
  const listen = async ({ port = 0, host = '127.0.0.1' }: ListenOptions = {}) => {
    const server = createServer(admin).unref();
    servers.add(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    const address = server.address() as AddressInfo;
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { port: address.port, url: `http://${name}:${address.port}/` };
  };
  const close = async () => {
    stream.close();
    prometheus.close();
    for (const server of servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    servers.clear();
  };
  return Object.assign(admin, { listen, close, [Symbol.asyncDispose]: close });
}
