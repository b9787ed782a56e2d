/** The wire: both lanes as one transport, with their counters. */
import type { AxiosAdapter, GenericAbortSignal } from 'axios';
import { discard, responseOf } from '../body.js';
import type { Request, Response, Transport } from '../policy.js';
import { abortError, nativeSignal } from '../scope.js';
import { HttpLane } from './http.js';
import { laneOf } from './lane.js';
import type { PoolStats } from './pool.js';
import { loadIdentity, type TlsOptions } from './tls.js';
import { UndiciLane, type UndiciOptions } from './undici.js';

export interface WireOptions extends Omit<UndiciOptions, 'identity'> {
  readonly tls: TlsOptions | undefined;
}

/** What the wire tells of itself. */
export interface WireStats {
  /** How many requests took which lane: undici, or axios's http adapter. */
  lanes: { undici: number; http: number };
  /** Connections of the fast lane, for each origin: open, unused, requests waiting for one, in use. */
  connections: Record<string, PoolStats>;
}

/** What stands at the bottom of the stack. */
export interface Wire {
  readonly send: Transport;
  stats(): unknown;
  /** Lets requests in flight finish, then lets go of every socket. */
  close(): Promise<void>;
  /** Ends requests in flight. */
  destroy(): Promise<void>;
}

/**
 * The wire over undici and, for what that does not speak, axios's http adapter.
 * @throws PillionError ERR_CONFIG for TLS material that cannot be used
 */
export function createWire({ tls, ...rest }: WireOptions): Wire & { stats(): WireStats } {
  const options = { ...rest, identity: tls === undefined ? {} : loadIdentity(tls) };
  const fast = new UndiciLane(options);
  const full = new HttpLane(options);
  const taken = { undici: 0, http: 0 };
  return {
    send: (request) => {
      const lane = laneOf(request);
      taken[lane]++;
      return lane === 'undici' ? fast.send(request) : full.send(request);
    },
    stats: () => ({ lanes: { ...taken }, connections: fast.stats() }),
    close: async () => {
      await fast.close();
      full.destroy();
    },
    destroy: async () => {
      full.destroy();
      await fast.destroy();
    },
  };
}

/** A wire of the caller's: any AxiosAdapter, given a real AbortSignal. An abort ends the attempt even if it does not listen. */
export function injectedWire(adapter: AxiosAdapter): Wire {
  return {
    send: (request) => {
      const { signal } = request;
      if (signal === undefined) return adapter(request);
      return untilAborted(adapter({ ...request, signal: nativeSignal(signal) }), signal, request);
    },
    stats: () => ({ injected: true }),
    close: async () => {},
    destroy: async () => {},
  };
}

function untilAborted(answer: Promise<Response>, signal: GenericAbortSignal, request: Request): Promise<Response> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortError(signal, request));
    signal.addEventListener?.('abort', abort);
    const late = (error: unknown) => {
      if (signal.aborted) discard(responseOf(error));
      reject(error);
    };
    answer
      .then((response) => (signal.aborted ? discard(response) : resolve(response)), late)
      .finally(() => signal.removeEventListener?.('abort', abort));
  });
}
