/** The admin handler: shows the clients of this process over HTTP, modelled on Envoy's admin port. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createPrometheus } from '../metrics/prometheus.js';
import { parseOptions } from '../options/options.js';
import { type ClientSet, checkClients } from '../registry/client-set.js';
import type { HealthOptions } from '../registry/health.js';
import { type AdminToken, accessOf } from './access.js';
import { adminOptions, listenOptions } from './admin-options.js';
import { EventStream } from './event-stream.js';
import { brief, isRead, notAllowed, pageFor, reads, runbookFor, type Sent, send, urlOf } from './respond.js';
import { answerTo, ready, type Subject } from './routes.js';
import { Servers } from './servers.js';
import { Watcher } from './snapshot.js';

/** Options of `createAdmin`: access, changes, mount path, and the health options of `/ready`. */
export interface AdminOptions extends HealthOptions {
  /** Allows requests from other machines that send this token. Default: only this machine is answered. */
  token?: AdminToken;
  /** Allows `POST /clients/{name}/circuit`, which forces circuits. Default: false. */
  writable?: boolean;
  /**
   * Mount path, such as `/admin`, for frameworks that do not strip it from the URL, such as Fastify. Default: empty.
   */
  prefix?: string;
}

/** The address and port of `listen`. */
export interface ListenOptions {
  /** Port, from 0 to 65535. Default: 0, which picks a free port. */
  port?: number;
  /** Address or host name to listen on. Default: `127.0.0.1`; requests to another address need a `token`. */
  host?: string;
}

/**
 * A request handler for `node:http`, for Express and Nest (`app.use('/admin', admin)`), and with the option `prefix`
 * for Fastify: `app.all('/admin/*', (request, reply) => { reply.hijack(); admin(request.raw, reply.raw); })`.
 */
export interface Admin extends AsyncDisposable {
  /** Answers every request and never throws. `next` is never called: unknown paths are answered with 404. */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /**
   * Opens a server for the handler. Neither the server nor its connections keep the process alive.
   * @throws PillionError `ERR_CONFIG` for invalid options, `ERR_CLOSED` after `close`; Node's error if the port is in
   * use
   */
  listen(options?: ListenOptions): Promise<{ port: number; url: string }>;
  /** Ends streams, closes servers and stops counting metrics; later requests are answered with 503. */
  close(): Promise<void>;
}

/**
 * Makes a handler that shows clients: `/` is a page with live figures; `/ready`, `/stats` (JSON or Prometheus),
 * `/clients`, `/history`, `/config` (secrets masked), `/certs` and `/events` are data; `/runbook` says what to do; with `writable` there is also
 * `POST /clients/{name}/circuit?state=open|closed|auto`. It is modelled on Envoy's admin port.
 * Without a `token` only requests from this machine, addressed to localhost and not forwarded by a proxy, are answered;
 * always set a token behind a proxy. `/ready` is answered without a token too, but then without reasons.
 * @throws PillionError `ERR_CONFIG` for invalid or unknown options, and if `clients` is not a set of clients
 */
export function createAdmin(clients: ClientSet, options: AdminOptions = {}): Admin {
  const { token, writable, prefix, ...health } = parseOptions(adminOptions, options, 'createAdmin');
  checkClients(clients, 'createAdmin');
  const prometheus = createPrometheus(clients);
  const watcher = new Watcher(clients, { ...health, writable });
  const subject: Omit<Subject, 'by'> = { clients, health, writable, prometheus, watcher };
  const stream = new EventStream(watcher);
  const servers = new Servers();
  let closed = false;

  /** The answer to a request; undefined if it was added to the event stream. */
  const answer = (request: IncomingMessage, response: ServerResponse): Sent | undefined => {
    if (closed) return { status: 503, body: { error: 'The admin handler was closed.' } };
    const url = urlOf(request, prefix);
    if (url.pathname === '/') return isRead(request) ? pageFor(request, token) : notAllowed(reads);
    if (url.pathname === '/runbook') return isRead(request) ? runbookFor(request, token) : notAllowed(reads);
    const access = accessOf(request, token);
    // A readiness probe comes from another machine and has no token.
    if (access.refusal && url.pathname === '/ready' && isRead(request)) return brief(ready(clients, health));
    if (access.refusal) return { status: access.refusal.status, body: { error: access.refusal.error } };
    if (url.pathname === '/events') return stream.answer(request, response);
    return answerTo(request, url, { ...subject, by: access.by });
  };
  const admin = (request: IncomingMessage, response: ServerResponse): void => {
    // Without a listener, an error event of a lost connection would end the process.
    response.on('error', () => {});
    try {
      const sent = answer(request, response);
      if (sent !== undefined) send(request, response, sent);
    } catch {
      // The error may come from a user's code, and its message may hold secrets, so it is not sent.
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
    watcher.stop();
    await servers.close();
  };
  return Object.assign(admin, { listen, close, [Symbol.asyncDispose]: close });
}
