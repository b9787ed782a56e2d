/** Whether clients can do their work: for readiness probes. */
import type { ClientHandle } from '../client/http-client.js';
import type { HttpClientStats } from '../client/stats.js';
import type { CircuitStats } from '../policies/circuit.js';
import { expiryOf } from '../transport/tls/expiry.js';
import { type ClientSet, clientsOf, registriesOf } from './client-set.js';
import type { HttpClients } from './http-clients.js';

/** `down`: can do nothing; `degraded`: works, but somebody should look. */
export type HealthStatus = 'up' | 'degraded' | 'down';

/** How one client is. */
export interface Health {
  /** The worst that holds. */
  readonly status: HealthStatus;
  /** What keeps it from being up, one sentence each. */
  readonly reasons: readonly string[];
}

/** How clients are. */
export interface ClientsHealth {
  /** The worst of all below. */
  readonly status: HealthStatus;
  /** By name. */
  readonly clients: Readonly<Record<string, Health>>;
  /** Of the configuration as a whole, where the clients have one together; of all configurations, if there are several. */
  readonly config?: Health;
}

/** What counts as degraded. */
export interface HealthOptions {
  /** A certificate that ends in this many days or fewer is degraded; by default when a third of its lifetime is left, 14 days at most. */
  certificateDays?: number | undefined;
}

/**
 * Tells how clients are, by what they know already: nothing is sent. An upstream that fails makes its client degraded, never
 * down: taking this process out of service would not mend it; so it is with a certificate that has expired. Down is a client
 * that is closed.
 */
export function healthOfClients(set: ClientSet, { certificateDays }: HealthOptions = {}): ClientsHealth {
  const clients = Object.fromEntries(
    [...clientsOf(set)].map(([name, client]) => [name, healthOf(client, certificateDays)]),
  );
  const config = configHealth(registriesOf(set));
  const all = [...Object.values(clients), ...(config ? [config] : [])];
  return { status: worstOf(all.map(({ status }) => status)), clients, ...(config && { config }) };
}

function healthOf(client: ClientHandle, certificateDays: number | undefined): Health {
  const stats = client.stats();
  if (stats.closed) return { status: 'down', reasons: ['the client is closed'] };
  const reasons = [...circuitReasons(stats), ...endpointReasons(stats), ...certificateReasons(stats, certificateDays)];
  return { status: reasons.length > 0 ? 'degraded' : 'up', reasons };
}

function circuitReasons({ policies, forcedCircuit }: HttpClientStats): string[] {
  if (forcedCircuit === 'open') return ['the circuit is forced open'];
  const circuits = Object.entries((policies.circuitBreaker ?? {}) as Record<string, CircuitStats>);
  return circuits.filter(([, each]) => isFailing(each)).map(([to, { state }]) => `the circuit to ${to} is ${state}`);
}

/** Without calls a circuit stays half-open, and the upstream may have been well for long. */
function isFailing({ state, since = '' }: CircuitStats): boolean {
  return state === 'open' || (state === 'half_open' && Date.now() - Date.parse(since) < halfOpenCounts);
}

/** Milliseconds for which a half-open circuit is a reason. */
const halfOpenCounts = 30_000;

function endpointReasons({ policies }: HttpClientStats): string[] {
  const { endpoints = [], lookups } = (policies.balance ?? {}) as BalanceStats;
  if (lookups !== undefined && endpoints.length === 0)
    return lookups.failed > 0 ? [`no endpoint is known: ${lookups.lastError ?? 'the lookup failed'}`] : [];
  const usable = endpoints.some(({ state }) => state === 'usable');
  return endpoints.length > 0 && !usable ? ['no endpoint is usable'] : [];
}

interface BalanceStats {
  readonly endpoints?: readonly { readonly state: string }[];
  readonly lookups?: { readonly failed: number; readonly lastError?: string };
}

function certificateReasons({ identity }: HttpClientStats, days: number | undefined): string[] {
  const { notBefore, notAfter } = identity ?? {};
  if (notAfter === undefined) return [];
  const expiry = expiryOf({ from: notBefore, to: notAfter }, days);
  if (expiry === 'valid') return [];
  return [`the certificate ${expiry === 'expired' ? 'expired' : 'expires'} at ${notAfter}`];
}

function configHealth(registries: ReadonlyMap<string, HttpClients>): Health | undefined {
  if (registries.size === 0) return undefined;
  const reasons = [...registries].flatMap(([source, registry]) => {
    const { refused, version, lastRejection } = registry.stats().config;
    const which = registries.size > 1 ? `the configuration ${source}` : 'the configuration';
    return refused ? [`${which} was refused at ${lastRejection?.rejectedAt}; version ${version} stays in force`] : [];
  });
  return { status: reasons.length > 0 ? 'degraded' : 'up', reasons };
}

function worstOf(statuses: readonly HealthStatus[]): HealthStatus {
  if (statuses.includes('down')) return 'down';
  return statuses.includes('degraded') ? 'degraded' : 'up';
}
