/** A client over a fake wire behind which many endpoints stand, each with a reply of its own. */
import type { AxiosAdapter } from 'axios';
import {
  createHttpClient,
  type DiscoveredEndpoint,
  type Discovery,
  endpointOf,
  type HttpClient,
  type HttpClientConfig,
  type HttpClientDeps,
  type Request,
} from 'pillion';
import type { RecordedRequest, Reply } from 'pillion/testing';
import { play } from '../../../src/testing/mock/replies.js';
import { baseURL, silent } from '../../support/client.js';

/** Replies by address; 200 where nothing is said. May be changed at any time. */
export type Replies = Record<string, Reply>;

export interface Fleet {
  readonly client: HttpClient;
  /** The address of each request in its order; `none` where no endpoint was chosen. */
  readonly sent: string[];
  /** The same requests as they reached the wire. */
  readonly requests: Request[];
  readonly replies: Replies;
  /** How many requests each address got from here on. */
  since(start?: number): Record<string, number>;
}

/** `10.0.0.1:80`, `10.0.0.2:80`, and so on. */
export function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}:80`);
}

export function listOf(all: readonly string[]): DiscoveredEndpoint[] {
  return all.map((address) => ({ address }));
}

/** Without retries and circuits, unless a test wants them. */
export function fleet(replies: Replies, config: HttpClientConfig, deps: HttpClientDeps = {}): Fleet {
  const sent: string[] = [];
  const requests: Request[] = [];
  const transport: AxiosAdapter = (request) => {
    const address = endpointOf(request)?.address ?? 'none';
    sent.push(address);
    requests.push(request);
    return play(replies[address] ?? 200, request, { path: request.url } as RecordedRequest);
  };
  const client = createHttpClient(
    { baseURL, retry: false, circuitBreaker: false, ...config },
    { transport, logger: silent, random: seeded(), ...deps },
  );
  return { client, sent, requests, replies, since: (start = 0) => counted(sent.slice(start)) };
}

export function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Numbers in [0, 1) that look random and are the same in each run (mulberry32). */
export function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export interface ToldByHand extends Discovery {
  tell(list: readonly DiscoveredEndpoint[]): void;
  fail(message: string): void;
  /** How many watch it at present. */
  readonly watching: number;
}

/** A source of endpoints that says what the test tells it to. */
export function toldByHand(): ToldByHand {
  const watchers = new Set<{ update: Parameters<Discovery['watch']>[0]; failed: Parameters<Discovery['watch']>[1] }>();
  return {
    watch: (update, failed) => {
      const watcher = { update, failed };
      watchers.add(watcher);
      return () => {
        watchers.delete(watcher);
      };
    },
    tell: (list) => {
      for (const { update } of watchers) update(list);
    },
    fail: (message) => {
      for (const { failed } of watchers) failed(new Error(message));
    },
    get watching() {
      return watchers.size;
    },
  };
}

export interface EndpointStats {
  readonly address: string;
  readonly weight: number;
  readonly state: string;
  readonly pending: number;
  readonly latencyMs: number;
  readonly successRate: number;
}

export interface BalanceStats {
  readonly panicking: boolean;
  readonly lookups: { succeeded: number; failed: number; lastError?: string };
  readonly endpoints: readonly EndpointStats[];
}

export function balanceOf(client: HttpClient): BalanceStats {
  return client.stats().policies.balance as BalanceStats;
}

/** Addresses that are in this state. */
export function inState(client: HttpClient, state: string): string[] {
  return balanceOf(client)
    .endpoints.filter((endpoint) => endpoint.state === state)
    .map(({ address }) => address);
}
