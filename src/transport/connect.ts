/** Connections: made with the client's identity, within the connect timeout, TLS handshake included. */
import type { Agent as HttpAgent } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { buildConnector } from 'undici';
import { ErrorCode } from '../errors.js';

export interface ConnectOptions {
  /** Milliseconds from the start of the connection to its being ready; false: no limit. */
  readonly timeout: number | false;
  readonly identity: ConnectionOptions;
}

/** undici's connector under a clock of our own (its fast timers may be a second late), with a way to give up. */
export class Connector {
  readonly #connecting = new Set<Socket>();
  /** What undici calls for a new connection. */
  readonly connect: buildConnector.connector;

  constructor({ timeout, identity }: ConnectOptions) {
    const connect = buildConnector({ ...(identity as buildConnector.BuildOptions), timeout: 0 });
    this.connect = (options, callback) => {
      const socket = connect(options, (...result) => {
        this.#connecting.delete(socket);
        callback(...result);
      }) as unknown as Socket;
      this.#connecting.add(socket);
      // Node tells of a TLS alert after the handshake (in TLS 1.3: no client certificate) without closing the socket; undici
      // would report the "other side closed" that follows in its place, which looks like something to retry.
      socket.once('error', (error) => socket.destroy(error));
      expire(socket, timeout, options.protocol === 'https:', `${options.hostname}:${options.port}`);
    };
  }

  /** Ends the connections still being made: undici would wait for them. */
  destroy(): void {
    for (const socket of this.#connecting) socket.destroy(new Error('The client was closed.'));
  }
}

/** Destroys the socket where it is not ready in time. */
function expire(socket: Socket, timeout: number | false, secure: boolean, peer: string): void {
  if (timeout === false) return;
  const timer = setTimeout(() => socket.destroy(connectTimeout(peer, timeout)), timeout);
  const stop = () => clearTimeout(timer);
  socket.once(secure ? 'secureConnect' : 'connect', stop).once('close', stop);
}

function connectTimeout(peer: string, timeout: number): Error {
  const error = new Error(`No connection to ${peer} within ${timeout} ms.`);
  return Object.assign(error, { code: ErrorCode.CONNECT_TIMEOUT });
}

/** Agents with the same identity, limits and clock, for the requests that take axios's http adapter. */
export function nodeAgents(
  options: ConnectOptions,
  maxSockets: number,
): { httpAgent: HttpAgent; httpsAgent: HttpAgent } {
  const pool = { keepAlive: true, maxSockets };
  return {
    httpAgent: withConnectTimeout(new http.Agent(pool), options.timeout, false),
    httpsAgent: withConnectTimeout(new https.Agent({ ...pool, ...options.identity }), options.timeout, true),
  };
}

interface ConnectingAgent {
  createConnection(options: { host?: string; port?: number }, callback?: unknown): Socket;
}

function withConnectTimeout<A extends HttpAgent>(agent: A, timeout: number | false, secure: boolean): A {
  const connecting = agent as unknown as ConnectingAgent;
  const create = connecting.createConnection.bind(agent);
  connecting.createConnection = (options, callback) => {
    const socket = create(options, callback);
    expire(socket, timeout, secure, `${options.host}:${options.port}`);
    return socket;
  };
  return agent;
}
