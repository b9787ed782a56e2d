/** Opens connections with the client's identity, within the connect timeout, TLS handshake included. */
import type { Agent as HttpAgent } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import net, { isIP, type Socket } from 'node:net';
import tls, { type ConnectionOptions, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import { ErrorCode } from '../../call/errors.js';
import { markStalled, markUnsent } from '../../call/failure.js';
import type { Endpoint } from '../../call/record.js';
import { Timer } from '../../call/timer.js';
import { plainHost } from '../../call/url.js';
import { sessionsOf } from '../tls/sessions.js';
import { areSocketsMocked } from './mocks.js';
import type { NodeSockets } from './node-sockets.js';
import { parserError } from './parser.js';

export interface ConnectOptions {
  /** Milliseconds that a connection may take to be ready; false: no limit. */
  readonly connectTimeout: number | false;
  readonly identity: ConnectionOptions;
  /**
   * The same options without the client's certificate, for origins that it is not meant for; undefined where the client
   * has none.
   */
  readonly stranger?: (() => ConnectionOptions) | undefined;
}

/** The TLS options for an origin that the client's certificate is not meant for. */
export function strangerOf({ identity, stranger }: ConnectOptions): ConnectionOptions {
  return stranger?.() ?? identity;
}

/**
 * undici's connector, except that it returns its socket at once, so that a connection which is no longer needed can be
 * aborted.
 */
export type Connect = (options: buildConnector.Options, callback: buildConnector.Callback) => Socket;

/** Which HTTP/2 a client speaks: that of the TLS handshake, and with `prior-knowledge` that without TLS as well. */
export type AllowH2 = boolean | 'prior-knowledge';

/** A connector for HTTP/1.1 only, one that offers HTTP/2 in the TLS handshake, and one for HTTP/2 without TLS. */
export interface Connectors {
  readonly h1: Connect;
  readonly h2: Connect | undefined;
  readonly h2c: Connect | undefined;
}

/** The event of a socket whose HTTP/2 server has sent its SETTINGS; without TLS the connection is ready only then. */
export const settled = 'http2Settings';

/** The event of a socket that is still dialing, and from now on for another request: its connect timeout begins anew. */
export const reclaimed = 'reclaimed';

/** Options that Node would otherwise take from a polluted `Object.prototype`. */
const unset = Object.fromEntries(
  [
    ...['path', 'session', 'signal', 'lookup', 'family', 'hints', 'localAddress', 'localPort', 'socket', 'timeout'],
    ...['fd', 'handle', 'onread', 'readable', 'writable', 'allowHalfOpen', 'noDelay', 'keepAlive', 'blockList'],
    ...['pskCallback', 'ALPNProtocols', 'ALPNCallback', 'SNICallback', 'requestOCSP'],
  ].map((name) => [name, undefined]),
);

/** Bytes that a socket reads ahead: what a record of TLS holds at most, and without TLS what libuv reads at once. */
const readAhead = { tls: 16_384, tcp: 65_536 };

/** Milliseconds until TCP asks a silent peer whether it is still there. */
const keepAliveDelay = 60_000;

/**
 * A connector of our own in place of undici's: undici's timers may be a second late, its cache holds TLS sessions weakly and
 * for any length of time, and without a context of the caller's it makes one for each connection, a millisecond each.
 */
export function connector({ connectTimeout, identity }: ConnectOptions, version: keyof Connectors): Connect {
  const common = { ...unset, ...identity };
  const ALPNProtocols = version === 'h2' ? ['h2', 'http/1.1'] : ['http/1.1'];
  const sessions = sessionsOf(identity);
  let secureContext: SecureContext | undefined = identity.secureContext;
  const secured = (name: string, host: string, port: number): TLSSocket => {
    secureContext ??= createSecureContext(common);
    // The name that is verified comes first; servers on other addresses or ports may not know each other's sessions.
    const server = `${name} ${host} ${port}`;
    const own = { host, port, servername: name, secureContext, ALPNProtocols, highWaterMark: readAhead.tls };
    const socket = tls.connect({ ...common, ...own, session: sessions.of(server) });
    sessions.follow(server, socket);
    return socket;
  };
  return (options, callback) => {
    const { hostname, protocol } = options;
    const secure = protocol === 'https:';
    const port = Number(options.port) || (secure ? 443 : 80);
    const socket = secure
      ? secured(nameOf(options, identity), hostname, port)
      : net.connect({ ...common, host: hostname, port, highWaterMark: readAhead.tcp } as net.TcpNetConnectOpts);
    socket.setNoDelay(true).setKeepAlive(true, keepAliveDelay);
    report(socket, readyEvent(secure), callback);
    tame(socket);
    watchConnecting(socket, connectTimeout, version === 'h2c' ? settled : readyEvent(secure), `${hostname}:${port}`);
    return socket;
  };
}

/**
 * The name for SNI, that the server's certificate is verified for: never that of a call's Host header, also for an
 * endpoint. Empty for an IP address, where Node verifies the address itself.
 */
function nameOf(options: buildConnector.Options & { serverName?: string }, { servername }: ConnectionOptions): string {
  const { hostname } = new URL(`https://${options.host}`);
  return options.serverName ?? servername ?? (isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname);
}

/** Calls back once: when the socket is ready, or with the error that came before. */
function report(socket: Socket, ready: string, callback: buildConnector.Callback): void {
  let reported = false;
  const once = (tell: () => void) => {
    if (!reported) tell();
    reported = true;
  };
  socket.once(ready, () => once(() => callback(null, socket)));
  socket.on('error', (error) => once(() => callback(error, null)));
}

function readyEvent(secure: boolean): string {
  return secure ? 'secureConnect' : 'connect';
}

/**
 * A connector to one address in place of the origin's own. The name in the Host header stays the origin's, and that in
 * the TLS handshake too, unless the endpoint has its own; where it is an IP address, the certificate has to be the
 * endpoint's.
 */
export function connectorTo({ host, port, serverName }: Endpoint, connect: Connect): Connect {
  return (options, callback) =>
    connect({ ...options, hostname: host, port: String(port), serverName } as typeof options, callback);
}

/** Corrects two faults in the way undici ends a socket. */
function tame(socket: Socket): void {
  // Node reports a TLS alert after the handshake (in TLS 1.3: no client certificate) without closing the socket; undici
  // would report the "other side closed" that follows in its place, which looks like something to retry.
  socket.once('error', (error) => socket.destroy(error));
  // undici destroys the socket of an aborted request with an error that makes it connect anew for that very request,
  // only to find it aborted: a hanging upstream would see two connections for each attempt.
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => destroy(isAbort(error) ? new Error('aborted') : parserError(socket, error));
}

function isAbort(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.code === 'UND_ERR_INFO' && error.message === 'aborted';
}

/** Destroys the socket if it is not ready in time, and marks an error before that as unsent: nothing was sent then. */
function watchConnecting(socket: Socket, timeout: number | false, ready: string, peer: string): void {
  const expire = (stalled: boolean) => {
    const error = connectTimeout(peer, timeout as number);
    socket.destroy(stalled ? markStalled(error) : error);
  };
  let timer: Timer | undefined;
  const begin = () => {
    timer?.clear();
    if (timeout !== false) timer = new Timer(timeout, { expire });
  };
  const stop = () => {
    timer?.clear();
    socket.off('error', markUnsent).off(reclaimed, begin);
  };
  begin();
  socket.once('error', markUnsent).on(reclaimed, begin);
  socket.once(ready, stop).once('close', stop);
}

function connectTimeout(peer: string, timeout: number): Error {
  const error = new Error(`No connection to ${peer} within ${timeout} ms.`);
  return Object.assign(error, { code: ErrorCode.CONNECT_TIMEOUT });
}

/** An origin, and the address that is connected to in its place. */
export interface Route {
  readonly origin: string;
  readonly endpoint: Endpoint;
}

/** Node's agents with the same identity, limits and connect timeout, for requests that take axios's http adapter. */
export function nodeAgents(
  { connectTimeout, identity }: ConnectOptions,
  maxSockets: number,
  sockets: NodeSockets,
  route?: Route,
): { httpAgent: HttpAgent; httpsAgent: HttpAgent } {
  const pool = { keepAlive: true, maxSockets };
  const terms = { timeout: connectTimeout, sockets, route };
  return {
    httpAgent: connecting(new http.Agent(pool), { ...terms, secure: false }),
    httpsAgent: connecting(new https.Agent({ ...pool, ...identity }), { ...terms, secure: true }),
  };
}

interface SocketAddress {
  host?: string;
  port?: number;
  socketPath?: string;
}

interface ConnectingAgent {
  createConnection(options: SocketAddress, callback?: unknown): Socket;
  addRequest(request: unknown, options: SocketAddress & { servername?: string | undefined }): void;
}

interface Terms {
  readonly timeout: number | false;
  readonly secure: boolean;
  readonly sockets: NodeSockets;
  readonly route: Route | undefined;
}

function connecting<A extends HttpAgent>(agent: A, { timeout, secure, sockets, route }: Terms): A {
  const making = agent as unknown as ConnectingAgent;
  const create = making.createConnection.bind(agent);
  const add = making.addRequest.bind(agent);
  // Node would take the name in the request's Host header, and check the server's certificate for that.
  making.addRequest = (request, options) => {
    const { host = '' } = options;
    add(request, { ...options, servername: isIP(host) ? '' : host });
  };
  making.createConnection = (asked, callback) => {
    const options = route === undefined ? asked : routed(asked, route, secure);
    const peer = options.socketPath ?? `${options.host}:${options.port}`;
    const key = `${secure ? 'https' : 'http'}://${asked.host}:${asked.port} at ${peer}`;
    sockets.makeRoom(key);
    const socket = create(Object.assign(options, { signal: undefined }), callback);
    // A mocked socket may be ready only with its answer, and the error of a mock may come after the request.
    if (!areSocketsMocked()) watchConnecting(socket, timeout, readyEvent(secure), peer);
    sockets.opened(key, socket);
    return socket;
  };
  sockets.govern(agent);
  return agent;
}

/**
 * The options with the endpoint's address, unless they lead to another server than the origin, after a redirect or
 * through a proxy.
 */
function routed(options: SocketAddress, { origin, endpoint }: Route, secure: boolean): SocketAddress {
  const url = new URL(origin);
  const port = Number(url.port) || (secure ? 443 : 80);
  if (options.host !== plainHost(url) || Number(options.port) !== port) return options;
  const { host, serverName } = endpoint;
  return { ...options, host, port: endpoint.port, ...(serverName !== undefined && { servername: serverName }) };
}
