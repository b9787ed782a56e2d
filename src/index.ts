/** The front door. */

export { Call, type CallFlag, type Endpoint, endpointOf } from './call.js';
export {
  type ClientHandle,
  type CloseOptions,
  createHttpClient,
  type HttpClient,
  type HttpClientDeps,
  type HttpClientStats,
} from './client.js';
export type { ClientSet } from './clients.js';
export type { ConfigFault, HttpClientsConfig } from './config/clients.js';
export type { ConfigChange } from './config/diff.js';
export { configJsonSchema, type HttpClientConfig } from './config/schema.js';
export type { ConfigSource } from './config/source.js';
export type { ConfigRejection, ConfigVersion, HttpClientsEvents, VersionStats } from './config/versions.js';
export type { Discovery } from './endpoints/discovery.js';
export type { DiscoveredEndpoint } from './endpoints/host.js';
export { ErrorCode, type OptionProblem, PillionError } from './errors.js';
export type {
  AttemptOutcome,
  ClientEventName,
  ClientEvents,
  EjectionReason,
  ForcedCircuit,
  IdentityEvents,
  Listener,
  MirrorRefusal,
  RetryRefusal,
} from './events.js';
export type { CallOptions, HttpFetch, HttpFetchInit } from './fetch/fetch.js';
export type { FetchInput } from './fetch/request.js';
export { type ClientsHealth, type Health, type HealthOptions, type HealthStatus, healthOfClients } from './health.js';
export { createIdentity, type Identity, type IdentityDeps, type IdentityOptions } from './identity.js';
export { type Inbound, type InboundOptions, inboundOf, runWithDeadline, runWithInbound } from './inbound.js';
export type { Logger, LogMethod } from './logger.js';
export type { Duration } from './options.js';
export { adaptiveConcurrency } from './policies/adaptive-concurrency.js';
export { balance } from './policies/balance.js';
export { circuitBreaker } from './policies/circuit-breaker.js';
export { deadline } from './policies/deadline.js';
export { deadlineHeader } from './policies/deadline-header.js';
export { fault } from './policies/fault.js';
export { healthCheck } from './policies/health-check.js';
export { hedging } from './policies/hedging.js';
export { limits } from './policies/limits.js';
export { logging } from './policies/logging.js';
export { mirror } from './policies/mirror.js';
export { outlierDetection } from './policies/outlier-detection.js';
export { rateLimit } from './policies/rate-limit.js';
export { retry } from './policies/retry.js';
export { split } from './policies/split.js';
export { timeout } from './policies/timeout.js';
export { attemptTracing, callTracing } from './policies/tracing.js';
export {
  compose,
  type Policy,
  type PolicyContext,
  type Request,
  type Response,
  type StandingPolicy,
  type Transport,
} from './policy.js';
export { type HttpClients, type HttpClientsDeps, type HttpClientsStats, loadHttpClients } from './registry.js';
export { classify, type FailureKind } from './request.js';
export { createUndiciAdapter, type UndiciAdapter, type UndiciAdapterOptions } from './transport/adapter.js';
export type { IdentityStats } from './transport/identity.js';
export type { PoolStats } from './transport/pool.js';
export type { WireStats } from './transport/wire.js';
export {
  type AxiosLike,
  type InstancePolicies,
  type InstancePoliciesConfig,
  type InstancePoliciesDeps,
  usePolicies,
} from './use-policies.js';
