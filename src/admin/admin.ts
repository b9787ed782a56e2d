/** The admin handler: what Envoy's admin port shows, of the clients in this process. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createPrometheus } from '../metrics/prometheus.js';
import { parseOptions } from '../options/options.js';
import type { ClientSet } from '../registry/client-set.js';
import type { HealthOptions } from '../registry/health.js';
import { type AdminToken, refusalOf } from './access.js';
import { EventStream } from './events.js';
import { adminOptions, checkClients, listenOptions } from './options.js';
import { brief, isRead, notAllowed, pageFor, reads, type Sent, send, urlOf } from './respond.js';
import { answerTo, ready, type Subject } from './routes.js';
import { Servers } from './servers.js';
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
  /** 0 to 65535; 0, any free one, by default. */
  port?: number;
  /** `127.0.0.1` by default; other addresses need a token. */
  host?: string;
}

/**
 * A request handler of `node:http`, and of what calls such: Express and Nest (`app.use('/admin', admin)`), and with the option
 * `prefix` Fastify: `app.all('/admin/*', (request, reply) => { reply.hijack(); admin(request.raw, reply.raw); })`.
 */
export interface Admin extends AsyncDisposable {
  /** Answers every request; never throws. `next` is not called: all that is below its path is the handler's. */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /**
   * Opens a server of its own, which does not keep the process alive, nor does who is connected to it.
   * @throws PillionError `ERR_CONFIG` for options that cannot be, `ERR_CLOSED` after `close`; Node's own where the port is taken
   */
  listen(options?: ListenOptions): Promise<{ port: number; url: string }>;
  /** Ends streams and servers, and counts no more; what is still asked of the handler is answered with 503. */
  close(): Promise<void>;
}

/**
 * Makes a handler that shows clients: `/` a page with live figures, `/ready`, `/stats` (JSON or Prometheus), `/clients`,
 * `/config` (secrets masked), `/certs`, `/events`, and where it is writable `POST /clients/{name}/circuit?state=open|closed|auto`.
 * Modelled on Envoy's admin port.
 * Without a `token` only requests from this machine, addressed to localhost and forwarded by no proxy, are answered; behind a
 * proxy always give one. `/ready` answers everybody, others without its reasons.
 * @throws PillionError `ERR_CONFIG` for options that are wrong or unknown, and for what is no set of clients
 */
export function createAdmin(clients: ClientSet, options: AdminOptions = {}): Admin {
  const { token, writable, prefix, ...health } = parseOptions(adminOptions, options, 'createAdmin');
  checkClients(clients);
  const prometheus = createPrometheus(clients);
  const subject: Subject = { clients, health, writable, prometheus };
  const stream = new EventStream(() => new Watcher(clients, { ...health, writable }));
  const servers = new Servers();
  let closed = false;

  /** The answer; none for who watches from now on. */
  const answer = (request: IncomingMessage, response: ServerResponse): Sent | undefined => {
    if (closed) return { status: 503, body: { error: 'The admin handler was closed.' } };
    const url = urlOf(request, prefix);
    if (url.pathname === '/') return isRead(request) ? pageFor(request, token) : notAllowed(reads);
    const refusal = refusalOf(request, token);
    // A probe comes from elsewhere and has no token.
    if (refusal && url.pathname === '/ready' && isRead(request)) return brief(ready(clients, health));
    if (refusal) return { status: refusal.status, body: { error: refusal.error } };
    return url.pathname === '/events' ? stream.answer(request, response) : answerTo(request, url, subject);
  };
  const admin = (request: IncomingMessage, response: ServerResponse): void => {
    // A connection may end at any time; unheard, that would end the process.
    response.on('error', () => {});
    try {
      const sent = answer(request, response);
      if (sent !== undefined) send(request, response, sent);
    } catch {
      // Whose error it is cannot be known, nor what it says.
      send(request, response, { status: 500, body: { error: 'The request could not be answered.' } });
    }
  };
  const listen = async (options: ListenOptions = {}) => {
    const { port, host } = parseOptions(listenOptions, options, 'listen');
    return servers.open(admin, port, host);
  };
  const close = async () => {
    closed = true;
    stream.close();
    prometheus.close();
    await servers.close();
  };
  return Object.assign(admin, { listen, close, [Symbol.asyncDispose]: close });
}
