/** This library: the wire alone, the whole stack, and the stack with nothing in it. */
import axios, { AxiosHeaders } from 'axios';
import * as pillion from 'pillion';
import { nowhere, sentByAxios } from './axios-variants.mjs';

const filesOf = (tls) => tls && { cert: tls.cert, key: tls.key, ca: tls.ca };

// As many connections as there are callers: the others have no limit.
const maxConnections = 4096;

/** The limits that let all callers through. */
export const many = {
  limits: { maxRequests: maxConnections, maxPendingRequests: 100_000 },
  connections: { maxConnections },
};

export const hasAdapter = pillion.createUndiciAdapter !== undefined;

export function bareAdapter({ origin, tls }) {
  const adapter = pillion.createUndiciAdapter({ maxConnections, tls: filesOf(tls) });
  const instance = axios.create({ baseURL: origin, adapter, proxy: false });
  return sentByAxios((config) => instance.request(config));
}

/** The adapter itself, called without axios. */
export function bareWire({ origin, tls }) {
  const adapter = pillion.createUndiciAdapter({ maxConnections, tls: filesOf(tls) });
  return ({ method, path }) => {
    const config = { method: method.toLowerCase(), baseURL: origin, url: path, proxy: false };
    return () => adapter({ ...config, headers: new AxiosHeaders() });
  };
}

const sentByClient = (config, deps) => {
  const client = pillion.createHttpClient({ name: 'billing', ...config }, deps);
  return sentByAxios((request) => client.request(request));
};

/** The standard stack: tracing, logging, deadline, retry, circuit breaker, limits, timeout. */
export const fullStack = ({ origin, tls }, config) =>
  sentByClient({ baseURL: origin, tls: filesOf(tls), ...many, ...config }, { logger: nowhere() });

/** The sections of the configuration that stand for policies, all off. */
export const nothing = {
  ...{ timeouts: false, retry: false, circuitBreaker: false },
  ...{ limits: false, tracing: false, logging: false },
};

export const withoutPolicies = ({ origin, tls }) =>
  sentByClient({ baseURL: origin, tls: filesOf(tls), connections: many.connections, ...nothing });
