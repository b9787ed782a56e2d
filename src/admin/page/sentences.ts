/** What the page says of clients and destinations, made of the facts in a snapshot. No document is needed here. */

import type { Change } from '../changes.js';
import type { ConfigFigures } from '../config-figures.js';
import type { FailedCalls } from '../failures.js';
import type { DestinationFigures } from '../figures.js';
import type { ClientSnapshot, Snapshot } from '../snapshot.js';
import { ago, ahead, clock, counted, listed, ms, number, percent, since, span } from './words.js';

/** The line at the top: how many clients are failing, degraded and well. */
export function overallOf({ clients, configs }: Pick<Snapshot, 'clients' | 'configs'>): string {
  const refused = configs.some((config) => config.refused !== null) ? ' A newer configuration was refused.' : '';
  return `${countsOf(clients)}${refused}`;
}

function countsOf(clients: readonly ClientSnapshot[]): string {
  const names = (severity: ClientSnapshot['severity']) =>
    clients.filter((client) => client.severity === severity).map(({ name }) => name);
  const [failing, degraded, well] = [names('failing'), names('degraded'), names('well')];
  const are = (some: readonly string[]) => (some.length === 1 ? 'is' : 'are');
  if (clients.length === 0) return 'There are no clients.';
  if (clients.length === 1) return `The client ${clients[0]?.name} is ${clients[0]?.severity}.`;
  if (well.length === clients.length) return `All ${clients.length} clients are well.`;
  const first = failing.length > 0 ? failing : degraded;
  const word = failing.length > 0 ? 'failing' : 'degraded';
  const all = counted(clients.length, 'client', 'clients');
  const parts = [`${first.length} of ${all} ${are(first)} ${word} (${listed(first)})`];
  if (first === failing && degraded.length > 0) parts.push(`${degraded.length} ${are(degraded)} degraded`);
  if (well.length > 0) parts.push(`${well.length} ${are(well)} well`);
  return `${parts.join(', ')}.`;
}

/** The title of the tab. */
export function titleOf(clients: readonly ClientSnapshot[]): string {
  const failing = clients.filter(({ severity }) => severity === 'failing').length;
  const degraded = clients.filter(({ severity }) => severity === 'degraded').length;
  if (failing > 0) return `${failing} failing – pillion`;
  return degraded > 0 ? `${degraded} degraded – pillion` : 'pillion';
}

/** Seconds over which the calls of a snapshot are counted. */
const window = 30;

/** Milliseconds after which it is worth telling that nothing failed any more. */
const quietMs = 3000;

function badOf({ counts }: ClientSnapshot): number {
  return counts.failed + counts.refused;
}

/** When a call failed last; undefined if none did. */
function lastFailureOf({ failures }: ClientSnapshot): number | undefined {
  return failures.length === 0 ? undefined : Math.max(...failures.map(({ lastAt }) => lastAt));
}

/** The figures of a closed card in one line. */
export function briefOf(client: ClientSnapshot, now: number): string {
  const { rate, p99, reasons, counts } = client;
  const bad = badOf(client);
  if (counts.calls === 0) return reasons[0] ?? 'no calls in the last 30 s';
  const figures = `${number(rate)} calls/s, p99 ${ms(p99)}`;
  if (bad === counts.calls) return `all ${counted(bad, 'call', 'calls')} of the last 30 s failed`;
  const last = lastFailureOf(client);
  const quiet = last !== undefined && now - last >= quietMs ? `, none for ${span(now - last)}` : '';
  if (bad > 0) return `${percent(bad, counts.calls)} of the calls of the last 30 s failed${quiet}; ${figures}`;
  return client.severity === 'well' || reasons[0] === undefined ? figures : `${reasons[0]}; ${figures}`;
}

/** How many calls fail, and since when. */
export function failingOf(client: ClientSnapshot, now: number): string {
  const { calls } = client.counts;
  const bad = badOf(client);
  if (calls === 0) return 'No call ended in the last 30 s.';
  const all = calls === 1 ? 'The only call of the last 30 s' : `All ${number(calls)} calls of the last 30 s`;
  if (bad === 0) return `${all} succeeded.`;
  const some = `${number(bad)} of ${counted(calls, 'call', 'calls')} of the last 30 s failed (${percent(bad, calls)})`;
  return `${bad === calls ? `${all} failed` : some}${refusedOf(client, now)}. ${sinceWhen(client, now)}`.trim();
}

function sinceWhen(client: ClientSnapshot, now: number): string {
  const last = lastFailureOf(client);
  if (last !== undefined && now - last >= quietMs && badOf(client) < client.counts.calls)
    return `The last one failed at ${ago(last, now)}.`;
  return client.failingSince === null ? '' : `Calls have been failing since ${since(client.failingSince, now)}.`;
}

function refusedOf(client: ClientSnapshot, now: number): string {
  const { refused } = client.counts;
  const bad = badOf(client);
  if (refused === 0) return '';
  const were = refused === 1 ? 'was' : 'were';
  const which = refused < bad ? `${number(refused)} of these ${were}` : bad === 1 ? 'it was' : 'all of these were';
  const recent = client.failures.filter(({ local, lastAt }) => local && now - lastAt < quietMs);
  const codes = listed([...new Set(recent.map(({ code }) => code))]);
  const get = codes === '' ? '' : `: callers get ${codes} at once`;
  return `; ${which} turned away in this process, without a request${get}`;
}

/** The circuits of a client that somebody forced: what that does, until when, and by whom. */
export function forcedOf({ forced }: ClientSnapshot, now: number): string | null {
  if (forced === null) return null;
  const { state, by, since: at, until } = forced;
  const who = by === null ? '' : ` by ${by}`;
  const end = until === null ? 'until somebody changes it' : `until ${ahead(until, now)}`;
  const effect =
    state === 'open'
      ? 'Callers get ERR_CIRCUIT_OPEN at once, without a request, and no trial is made.'
      : 'Every call is sent, however many fail.';
  return `The circuits were forced ${state}${who} at ${ago(at, now)}. This holds ${end}. ${effect}`;
}

/** What is really wrong at a destination. */
type Cause = Pick<FailedCalls, 'status'> & { readonly code: string; readonly lastAt: number | null };

/** The newest failure of the wire there, or the one for which calls are turned away. */
function causeAt({ failures }: ClientSnapshot, address: string): Cause | undefined {
  const there = [...failures].sort(newestFirst).filter(({ destination }) => destination === address);
  const cause = there.find(({ local }) => !local);
  if (cause !== undefined) return cause;
  const reason = there.find((kind) => kind.cause !== null)?.cause;
  return reason ? { code: reason.code ?? 'an error', status: reason.status, lastAt: null } : undefined;
}

function newestFirst(a: FailedCalls, b: FailedCalls): number {
  return b.lastAt - a.lastAt;
}

/** What an upstream that fails does, after its name: "has been answering 503". */
function doing({ code, status }: Cause): string {
  if (status !== null) return `has been answering ${status}`;
  const told = doings[code];
  return told === undefined ? `has been failing with ${code}` : `${told} (${code})`;
}

const noTrust = 'has been showing a certificate that is not trusted here';
const cut = 'has been closing connections';
const slow = 'has not been accepting connections in time';

const doings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'has been refusing connections',
  ECONNRESET: cut,
  EPIPE: cut,
  UND_ERR_SOCKET: cut,
  ENOTFOUND: 'has not been found by name',
  EAI_AGAIN: 'could not be looked up by name, because DNS has not been answering',
  ETIMEDOUT: slow,
  EHOSTUNREACH: 'has not been reachable from this host',
  ENETUNREACH: 'has not been reachable from this network',
  ERR_CONNECT_TIMEOUT: slow,
  UND_ERR_CONNECT_TIMEOUT: slow,
  ERR_ATTEMPT_TIMEOUT: 'has not been answering within the time of an attempt',
  ERR_DEADLINE: 'has not been answering within the time of a call',
  CERT_HAS_EXPIRED: 'has been showing an expired certificate',
  CERT_NOT_YET_VALID: 'has been showing a certificate that is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: noTrust,
  SELF_SIGNED_CERT_IN_CHAIN: noTrust,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: noTrust,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: noTrust,
  ERR_TLS_CERT_ALTNAME_INVALID: 'has been showing a certificate for another name',
  ERR_TLS_IDENTITY: 'has been showing a certificate that this client does not accept',
  EPROTO: 'could not be spoken to over TLS',
};

/** Whether there is something to say of a destination. */
export function isTroubled({ circuit, endpoint, failingSince }: DestinationFigures): boolean {
  return (circuit ?? 'closed') !== 'closed' || (endpoint ?? 'usable') !== 'usable' || failingSince !== null;
}

/** Destinations that are told of in full. */
const mostTold = 5;

/** What is wrong at each destination, one paragraph each. */
export function destinationsOf(client: ClientSnapshot, now: number): string[] {
  const troubled = client.destinations.filter(isTroubled);
  const told = troubled.slice(0, mostTold).map((to) => saidAt(client, to, now).join(' '));
  const rest = troubled.length - told.length;
  if (rest > 0)
    return [
      ...told,
      `${counted(rest, 'further destination is', 'further destinations are')} in trouble, listed below.`,
    ];
  const known = new Set(troubled.map(({ address }) => address));
  return [...told, ...inPartOf(client, known, now)].slice(0, mostTold);
}

/** Destinations at which only some calls fail, and those that have neither circuit, limit nor endpoint and thus no figures. */
function inPartOf({ failures }: ClientSnapshot, known: ReadonlySet<string>, now: number): string[] {
  const recent = failures.filter(({ local, lastAt }) => !local && now - lastAt <= window * 1000);
  const told = new Map<string, string>();
  for (const { destination, code, status, lastAt } of recent.sort(newestFirst)) {
    const to = destination ?? 'an unknown address';
    const what = status === null ? code : `status ${status}`;
    if (!known.has(to) && !told.has(to))
      told.set(
        to,
        `Calls to ${to} ${now - lastAt < quietMs ? 'fail' : 'failed'}, the last with ${what} at ${ago(lastAt, now)}.`,
      );
  }
  return [...told.values()];
}

/** Whether a card is open unless the reader closed it: a client that fails, also at one of its destinations only. */
export function isUrgent({ severity, destinations }: ClientSnapshot): boolean {
  const isLost = ({ circuit, failingSince }: DestinationFigures) => circuit === 'open' || failingSince !== null;
  return severity === 'failing' || (severity === 'degraded' && destinations.some(isLost));
}

/** What fails at one destination, since when, what its circuit does, and what callers get meanwhile. */
export function saidAt(client: ClientSnapshot, to: DestinationFigures, now: number): string[] {
  const cause = causeAt(client, to.address);
  const failing = cause === undefined ? '' : failedAt(to, cause, now);
  const last = to.lastSuccessAt;
  const success =
    to.failingSince === null
      ? ''
      : last === null
        ? 'No call there has succeeded yet.'
        : `The last call there that succeeded ended at ${ago(last, now)}.`;
  return [failing, circuitOf(client, to, cause, now), endpointOf(to), success].filter((text) => text !== '');
}

function failedAt({ address, failingSince }: DestinationFigures, cause: Cause, now: number): string {
  if (failingSince !== null) return `The upstream ${address} ${doing(cause)} since ${since(failingSince, now)}.`;
  const what = cause.status === null ? cause.code : `status ${cause.status}`;
  const when = cause.lastAt === null ? '' : `, at ${ago(cause.lastAt, now)}`;
  return `The last failure at ${address} was ${what}${when}.`;
}

function circuitOf(client: ClientSnapshot, to: DestinationFigures, cause: Cause | undefined, now: number) {
  // The card says of the whole client what a forced circuit does.
  if (client.forced !== null) return '';
  const { circuit, circuitSince, nextTrialAt } = to;
  const when = circuitSince === null ? '' : ` since ${since(circuitSince, now)}`;
  const get = cause === undefined ? 'the error' : callersGet(cause);
  if (circuit === 'open')
    return `The circuit has been open${when}: callers get ERR_CIRCUIT_OPEN at once, without a request. ${trialOf(nextTrialAt, now)}`;
  if (circuit === 'half_open')
    return `${circuitSince === null ? 'The circuit is half-open' : `The circuit opened at ${ago(circuitSince, now)} and is half-open now`}: a few calls are sent as trials, and it closes once they succeed. Other callers get ERR_CIRCUIT_OPEN at once, without a request.`;
  if (to.failingSince === null) return '';
  const state = circuit === null ? 'There is no circuit here' : 'The circuit is closed';
  return `${state}: each call is sent, and callers get ${get}.`;
}

function trialOf(at: number | null, now: number): string {
  if (at === null) return '';
  return at - now < 1000 ? 'The next call is sent as a trial.' : `The next trial is in ${span(at - now)}.`;
}

function callersGet({ code, status }: Cause): string {
  return status === null ? code : `${code} with the status ${status}`;
}

function endpointOf({ endpoint }: DestinationFigures): string {
  if (endpoint === 'ejected') return 'Outlier detection leaves it out for now: calls go to the other endpoints.';
  return endpoint === 'unhealthy' ? 'Health checks find it unhealthy: calls go to the other endpoints.' : '';
}

/** What changed, from clients and configurations alike. */
interface Changed {
  readonly at: number;
  readonly message: string;
}

/** Milliseconds around which a configuration and its client tell of the same change. */
const sameMs = 2000;

/** The newest thing that somebody or something changed; a circuit that opens is a consequence and no change in this sense. */
export function lastChangeOf(client: ClientSnapshot, configs: readonly ConfigFigures[], now: number): string {
  const { changes, failingSince } = client;
  const own: Changed[] = changes.filter(({ kind }) => kind !== 'circuit');
  const applied = configs.map(appliedOf).filter(({ at }) => now - at < hour);
  const more = applied.filter(({ at }) => !own.some((change) => Math.abs(change.at - at) < sameMs));
  const made = [...own, ...more].sort((a, b) => b.at - a.at);
  const before = made.find(({ at }) => failingSince !== null && at <= failingSince);
  // What preceded the failures is told even if something has changed since.
  const last = before ?? made[0];
  if (last === undefined) return 'No change of a configuration, certificate or endpoint is known of the last hour.';
  const told = `${last.message}, at ${ago(last.at, now)}`;
  if (failingSince === null || last.at > failingSince) return `Last change: ${told}.`;
  const ahead = failingSince - last.at < 1000 ? 'just' : span(failingSince - last.at);
  return `Last change before calls began to fail: ${told}, ${ahead} before.`;
}

const hour = 3_600_000;

function appliedOf({ version, appliedAt }: ConfigFigures): Changed {
  const message =
    version === 1 ? 'configuration 1 loaded, the first of this process' : `configuration ${version} applied`;
  return { at: appliedAt, message };
}

/** The newest of the changes that differ in nothing but numbers, such as those of a circuit that opens again and again. */
export function foldedOf(
  changes: readonly Change[],
): (Change & { readonly times: number; readonly firstAt: number })[] {
  const folded = new Map<string, Change & { times: number; firstAt: number }>();
  for (const change of changes) {
    const { kind, destination, message, at } = change;
    const key =
      kind === 'circuit'
        ? `${destination} ${message.replace(/\d[\d.]*( ms| s| min| h)?\b/g, '#')}`
        : `${kind} ${at} ${message}`;
    const known = folded.get(key);
    if (known === undefined) folded.set(key, { ...change, times: 1, firstAt: at });
    else {
      known.times++;
      known.firstAt = at;
    }
  }
  return [...folded.values()];
}

/** One kind of failure: how often, what, where and when. */
export function failureOf(kind: FailedCalls, now: number): { count: string; what: string; when: string } {
  const { destination, code, status, count, firstAt, lastAt } = kind;
  const what = status === null ? code : `${status} (${code})`;
  const where = destination === null ? '' : kind.local ? ` for ${destination}` : ` from ${destination}`;
  const when = count === 1 ? ago(lastAt, now) : `last at ${ago(lastAt, now)}, first at ${clock(firstAt, now)}`;
  return { count: `${number(count)} ×`, what: `${what}${where}`, when };
}

/** What to check: failures of the wire first, each advice once; at last what the runbook says of the client's state. */
export function adviceOf({ failures, severity }: ClientSnapshot): { text: string; code: string; runbook: string }[] {
  const told = new Map<string, { text: string; code: string; runbook: string }>();
  for (const { advice, runbook, code, status } of [...failures].sort((a, b) => Number(a.local) - Number(b.local)))
    if (!told.has(advice)) told.set(advice, { text: advice, runbook, code: status === null ? code : String(status) });
  const state = { text: `What ${severity} means, and where to begin.`, code: severity, runbook: `runbook#${severity}` };
  return [...[...told.values()].slice(0, 4), state];
}

/** One change, for the list under the plots. */
export function changeOf({ at, message, times, firstAt }: ReturnType<typeof foldedOf>[number], now: number): string {
  const often = times === 1 ? '' : ` (${number(times)} times like this since ${clock(firstAt, now)})`;
  return `${ago(at, now)}: ${message}${often}`;
}

/** The banner of a configuration that was refused. */
export function refusalOf(config: ConfigFigures, several: boolean, now: number) {
  const { refused, source, version, hash, appliedAt } = config;
  if (refused === null) return null;
  const faults = refused.faults.map(faultOf);
  if (refused.more > 0) faults.push(`and ${counted(refused.more, 'further fault', 'further faults')}`);
  return {
    title: several ? `A newer configuration of ${source} was refused` : 'A newer configuration was refused',
    faults,
    state: `Refused at ${ago(refused.at, now)}. Version ${version} (${hash}) stays in force; it has been since ${since(appliedAt, now)}.`,
  };
}

function faultOf({ message, path, file, line, column }: NonNullable<ConfigFigures['refused']>['faults'][number]) {
  const place = [
    file,
    line === undefined ? undefined : `line ${line}`,
    column === undefined ? undefined : `column ${column}`,
  ].filter((part) => part !== undefined);
  const told = path === undefined || path === '' || message.includes(path) ? message : `${path}: ${message}`;
  return place.length > 0 ? `${place.join(', ')}: ${told}` : told;
}

/** The version in force of each configuration. */
export function inForceOf(configs: readonly ConfigFigures[], now: number): string {
  const each = configs.map(
    ({ source, version, hash, appliedAt }) =>
      `Configuration ${version} (${hash})${configs.length > 1 ? ` of ${source}` : ''}, in force since ${since(appliedAt, now)}.`,
  );
  return each.join(' ');
}

/** What forcing circuits does to callers, asked before it is done. `until` is null for no time limit. */
export function forcingOf(client: Pick<ClientSnapshot, 'name' | 'destinations' | 'hidden'>, state: 'open' | 'closed') {
  const count = client.destinations.length + client.hidden;
  const where = count > 1 ? `, to any of its ${count} destinations` : '';
  return state === 'open'
    ? `No call of ${client.name} is sent any more${where}: callers get ERR_CIRCUIT_OPEN at once. Use it to relieve the upstream, or when an error at once is better than waiting.`
    : `Every call of ${client.name} is sent${where}, even while all of them fail, and no circuit opens. Use it when a circuit is open though the upstream works.`;
}

/** What comes after the time limit. */
export function limitOf(minutes: number | null, now: number): string {
  if (minutes === null) return 'It holds until somebody changes it here. Nothing reminds anybody of it.';
  return `It ends by itself at ${clock(now + minutes * 60_000, now)}; then the circuits follow the outcomes of calls again.`;
}

/** The states of a destination: what is not as it should be, and the rest. */
export function statesOf({ circuit, endpoint, running, pending, latencyMs }: DestinationFigures) {
  const states: [text: string, isWell: boolean][] = [];
  if (circuit !== null) states.push([`circuit ${circuit.replace('_', '-')}`, circuit === 'closed']);
  if (endpoint !== null && endpoint !== 'circuit_open') states.push([endpoint, endpoint === 'usable']);
  const rest = states.filter(([, isWell]) => isWell).map(([text]) => text);
  if (running > 0) rest.push(`${number(running)} running`);
  if (pending > 0) rest.push(`${number(pending)} waiting`);
  if (latencyMs !== null) rest.push(ms(latencyMs));
  return { unwell: states.filter(([, isWell]) => !isWell).map(([text]) => text), rest };
}

/** The figures of an open card, by the name of their place. */
export function figuresShown(client: ClientSnapshot): Record<string, string> {
  const { limits, connections, budget, certificate } = client;
  const limit = (value: number | undefined) => (value === undefined ? 'no limit' : `of ${number(value)} each`);
  const days = certificate === null ? 0 : Math.floor(certificate.daysLeft);
  const left = certificate?.expired ? 'expired' : days < 1 ? 'less than a day' : counted(days, 'day', 'days');
  return {
    rate: `${number(client.rate)}/s`,
    failed: `${number(client.failed)}/s`,
    refused: `${number(client.refused)}/s`,
    latency: ms(client.p99),
    p50: `p50 ${ms(client.p50)}`,
    active: number(client.active),
    attempts: counted(client.attempts, 'attempt', 'attempts'),
    running: limits === null ? '–' : number(client.running),
    maxRunning: limit(limits?.running),
    pending: limits === null ? '–' : number(client.pending),
    maxPending: limit(limits?.pending),
    connections: connections === null ? '–' : `${number(connections.used)} used`,
    idle: connections === null ? 'injected wire' : `${number(connections.idle)} idle`,
    budget: budget === null ? '–' : number(budget),
    budgetNote: budget === null ? 'no budget' : budget === 1 ? 'retry left' : 'retries left',
    certificate: certificate === null ? '–' : left,
    subject: certificate === null ? 'none' : certificate.subject || certificate.notAfter.slice(0, 10),
  };
}
