/** The public exports of `pillion`: re-exports only. */

export { ErrorCode, type LimitReason, type OptionProblem, PillionError } from './call/errors.js';
export type {
  AttemptOutcome,
  ClientEventName,
  ClientEvents,
  EjectionReason,
  FailureCause,
  ForcedCircuit,
  IdentityEvents,
  Listener,
  MirrorRefusal,
  RetryRefusal,
} from './call/events.js';
export { classify, type FailureKind } from './call/failure.js';
export { type Inbound, type InboundOptions, inboundOf, runWithDeadline, runWithInbound } from './call/inbound.js';
export type { Logger, LogProfileName } from './call/logger.js';
export type { Request, Response, Transport } from './call/message.js';
export type { CallFlag, CallView as Call, Endpoint } from './call/record.js';
export { endpointOf } from './call/request.js';
export { createUndiciAdapter, type UndiciAdapter, type UndiciAdapterOptions } from './client/axios/undici-adapter.js';
export { createHttpClient } from './client/client.js';
export { configJsonSchema, type HttpClientConfig } from './client/config/config.js';
export type { CallOptions, HttpFetch, HttpFetchInit } from './client/fetch/fetch.js';
export type { ClientHandle, CloseOptions, ForceOptions, HttpClient, HttpClientDeps } from './client/http-client.js';
export { createIdentity, type Identity, type IdentityDeps, type IdentityOptions } from './client/shared-identity.js';
export type { HttpClientStats, PolicyStats } from './client/stats.js';
export {
  type InstancePolicies,
  type InstancePoliciesConfig,
  type InstancePoliciesDeps,
  usePolicies,
} from './client/use-policies.js';
export type { Duration } from './options/duration.js';
export { adaptiveConcurrency } from './policies/admission/adaptive-concurrency.js';
export { circuitBreaker } from './policies/admission/circuit-breaker.js';
export { limits } from './policies/admission/limits.js';
export { rateLimit } from './policies/admission/rate-limit.js';
export { balance } from './policies/endpoints/balance.js';
export type { Discovery } from './policies/endpoints/discovery.js';
export { healthCheck } from './policies/endpoints/health-check.js';
export type { DiscoveredEndpoint } from './policies/endpoints/host.js';
export { outlierDetection } from './policies/endpoints/outlier-detection.js';
export { compose, type Policy, type PolicyContext, type StandingPolicy } from './policies/policy.js';
export { hedging } from './policies/retries/hedging.js';
export { retry } from './policies/retries/retry.js';
export type { RetryDeps } from './policies/retries/retry-functions.js';
export { logging } from './policies/telemetry/logging.js';
export { deadline } from './policies/timeouts/deadline.js';
export { deadlineHeader } from './policies/timeouts/deadline-header.js';
export { idleTimeout } from './policies/timeouts/idle-timeout.js';
export { timeout } from './policies/timeouts/timeout.js';
export { fault } from './policies/traffic/fault.js';
export { mirror } from './policies/traffic/mirror.js';
export { pathRewrite } from './policies/traffic/path-rewrite.js';
export { requestHeaders } from './policies/traffic/request-headers.js';
export { split } from './policies/traffic/split.js';
export type { ClientSet } from './registry/client-set.js';
export type { ConfigChange } from './registry/diff.js';
export type { ConfigFault, HttpClientsConfig } from './registry/file/config-faults.js';
export {
  type ClientsHealth,
  type Health,
  type HealthOptions,
  type HealthStatus,
  healthOfClients,
} from './registry/health.js';
export type { HttpClients, HttpClientsDeps, HttpClientsStats } from './registry/http-clients.js';
export { loadHttpClients } from './registry/load-http-clients.js';
export type { ConfigSource } from './registry/source.js';
export type { ConfigRejection, ConfigVersion, HttpClientsEvents, VersionStats } from './registry/versions.js';
export type { PoolStats } from './transport/pool/pool.js';
export type { IdentityStats } from './transport/tls/rotating-identity.js';
export type { WireStats } from './transport/wire.js';
