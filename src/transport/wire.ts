/** The wire: both lanes as one transport, with their counters. */
import type { ConnectionOptions } from 'node:tls';
import { type AxiosAdapter, type GenericAbortSignal, isAxiosError } from 'axios';
import { discard, responseOf } from '../call/body.js';
import { markSent } from '../call/failure.js';
import type { Request, Response, Transport } from '../call/message.js';
import { Own } from '../call/own.js';
import { abortError, nativeSignal, onAbort } from '../call/scope.js';
import { redirectFailure, redirectsOf, ruledRedirects } from './exchange/redirect.js';
import { HttpLane } from './http.js';
import { laneOf } from './lane.js';
import type { PoolStats } from './pool/pool.js';
import { type Material, mayResume } from './tls/material.js';
import type { RotatingIdentity } from './tls/rotating-identity.js';
import { shareSessions } from './tls/sessions.js';
import { type PeerOptions, standardPeer, tlsConnectOptions } from './tls/tls.js';
import { UndiciLane, type UndiciOptions } from './undici.js';

export interface WireOptions extends Omit<UndiciOptions, 'identity' | 'stranger'> {
  /** Which servers are accepted; undefined: those that Node's own authorities have certified. */
  readonly peer: PeerOptions | undefined;
}

/** The counters of the wire. */
export interface WireStats {
  /** How many requests took each lane: undici, or axios's http adapter. */
  lanes: { undici: number; http: number };
  /** Connections of the fast lane for each origin: open, unused, in use, and the requests that wait for one. */
  connections: Record<string, PoolStats>;
  /** Sets of connections with a replaced identity that calls still run on. */
  draining: number;
}

/** The bottom of the stack, which sends requests. */
export interface Wire<Stats = unknown> {
  readonly send: Transport;
  stats(): Stats;
  /** Waits for the requests in flight, then closes every socket. */
  close(): Promise<void>;
  /** Ends requests in flight. */
  destroy(): Promise<void>;
}

/**
 * The wire over undici and, for what undici does not support, axios's http adapter. Each new identity has new
 * connections.
 */
export function createWire(options: WireOptions, identity?: RotatingIdentity): Wire<WireStats> {
  let material = identity?.material;
  let connections = connectionsOf(options, material);
  const open = () => new Lanes({ ...options, ...connections });
  const draining = new Set<Lanes>();
  const taken = { undici: 0, http: 0 };
  let lanes = open();
  const stop = identity?.onRotation(() => {
    const old = lanes;
    const before = { material, connections };
    material = identity.material;
    connections = connectionsOf(options, material);
    if (before.material !== undefined && mayResume(before.material, material))
      shareSessions(before.connections.identity, connections.identity);
    lanes = open();
    draining.add(old);
    void old.drain(identity.drainTimeout).then(() => draining.delete(old));
  });
  return {
    send: (request) => {
      const lane = laneOf(request, options.allowH2);
      taken[lane]++;
      return lanes[lane].send(request);
    },
    stats: () => ({ lanes: { ...taken }, connections: lanes.undici.stats(), draining: draining.size }),
    close: async () => {
      stop?.();
      await Promise.all([...draining, lanes].map((each) => each.close()));
    },
    destroy: async () => {
      stop?.();
      await Promise.all([...draining, lanes].map((each) => each.destroy()));
    },
  };
}

function connectionsOf({ peer = standardPeer }: WireOptions, material: Material | undefined): Connections {
  // Set here, since otherwise NODE_TLS_REJECT_UNAUTHORIZED=0, set for another tool, would make this client trust every
  // server.
  if (peer === standardPeer && material === undefined) return { identity: { rejectUnauthorized: true } };
  const identity = tlsConnectOptions(material ?? {}, peer);
  if (material?.cert === undefined && material?.pfx === undefined) return { identity };
  const { ca } = material;
  let made: ConnectionOptions | undefined;
  const stranger = () => {
    made ??= tlsConnectOptions(ca === undefined ? {} : { ca }, peer);
    return made;
  };
  return { identity, stranger };
}

type Connections = Pick<UndiciOptions, 'identity' | 'stranger'>;

/** Both lanes, with the connections made under one identity. */
class Lanes {
  readonly undici: UndiciLane;
  readonly http: HttpLane;

  constructor(options: UndiciOptions) {
    this.undici = new UndiciLane(options);
    this.http = new HttpLane(options);
  }

  /** Closes idle connections at once and the others once their request has ended, or after `timeout` milliseconds. */
  async drain(timeout: number): Promise<void> {
    const timer = setTimeout(() => void this.destroy(replaced(timeout)), timeout).unref();
    await this.close();
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    await Promise.all([this.undici.close(), this.http.close()]);
  }

  async destroy(reason?: Error): Promise<void> {
    this.http.destroy(reason);
    await this.undici.destroy(reason);
  }
}

function replaced(timeout: number): Error {
  const why = `The connection was closed: its TLS identity was replaced ${timeout} ms ago (see tls.reload.drainTimeout).`;
  return Object.assign(new Error(why), { code: 'ECONNRESET' });
}

/**
 * A wire over the caller's AxiosAdapter, which is given a real AbortSignal. An abort ends the attempt even if the
 * adapter ignores it.
 */
export function injectedWire(adapter: AxiosAdapter): Wire {
  return {
    send: (request) => {
      const { signal } = request;
      const asked = ownedBy(request);
      if (signal === undefined) return followed(adapter, asked);
      asked.signal = nativeSignal(signal);
      return untilAborted(followed(adapter, asked), signal, request);
    },
    stats: () => ({ injected: true }),
    close: async () => {},
    destroy: async () => {},
  };
}

/**
 * The request as axios hands it to adapters. A spread and another prototype cost a tenth of what copying into such an
 * object does.
 */
function ownedBy(request: Request): Request {
  return Object.setPrototypeOf({ ...request }, Own.prototype) as Request;
}

/** Runs an adapter, which may follow redirects itself, with a `beforeRedirect` that applies our rules. */
function followed(adapter: AxiosAdapter, request: Request): Promise<Response> {
  if (redirectsOf(request) === 0) return adapter(request);
  let redirected = false;
  const onRedirect = () => {
    redirected = true;
  };
  request.beforeRedirect = ruledRedirects({ ...request }, onRedirect, () => {});
  return Promise.resolve(adapter(request)).catch((thrown) => {
    const error =
      isAxiosError(thrown) && thrown.code === 'ERR_FR_REDIRECTION_FAILURE' ? redirectFailure(thrown) : thrown;
    if (redirected) markSent(error);
    throw error;
  });
}

function untilAborted(answer: Promise<Response>, signal: GenericAbortSignal, request: Request): Promise<Response> {
  return new Promise((resolve, reject) => {
    const release = onAbort(signal, () => reject(abortError(signal, request)));
    const late = (error: unknown) => {
      if (signal.aborted) discard(responseOf(error));
      reject(error);
    };
    answer.then((response) => (signal.aborted ? discard(response) : resolve(response)), late).finally(release);
  });
}
