/** The routes of the admin handler, except for the page and the event stream. */
import type { IncomingMessage } from 'node:http';
import type { Prometheus } from '../metrics/prometheus.js';
import type { Duration } from '../options/duration.js';
import { type ClientSet, clientsOf, isRegistry, registriesOf } from '../registry/client-set.js';
import { type HealthOptions, healthOfClients } from '../registry/health.js';
import { isCrossSite } from './access.js';
import { notAllowed, reads, type Sent } from './respond.js';
import { shownConfig } from './shown.js';
import type { ClientSnapshot, Watcher } from './snapshot.js';

/** The clients and options that all routes use. */
export interface Subject {
  readonly clients: ClientSet;
  readonly health: HealthOptions;
  readonly writable: boolean;
  readonly prometheus: Prometheus;
  readonly watcher: Watcher;
  /** Who asks, where the function of the token told it. */
  readonly by: string | undefined;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  /** The route as the list of a 404 shows it. */
  readonly shown: string;
  readonly answer: (subject: Subject, request: IncomingMessage, url: URL, match: readonly string[]) => Sent;
}

const routes: readonly Route[] = [
  { method: 'GET', path: /^\/ready$/, shown: 'GET /ready', answer: ({ clients, health }) => ready(clients, health) },
  { method: 'GET', path: /^\/stats$/, shown: 'GET /stats[?format=prometheus]', answer: stats },
  {
    method: 'GET',
    path: /^\/clients$/,
    shown: 'GET /clients',
    answer: (subject) => ({ body: overview(subject) }),
  },
  { method: 'GET', path: /^\/history$/, shown: 'GET /history[?since=ms]', answer: history },
  { method: 'GET', path: /^\/config$/, shown: 'GET /config', answer: ({ clients }) => ({ body: config(clients) }) },
  { method: 'GET', path: /^\/certs$/, shown: 'GET /certs', answer: ({ clients }) => ({ body: certificates(clients) }) },
  {
    method: 'POST',
    path: /^\/clients\/([^/]+)\/circuit$/,
    shown: 'POST /clients/{name}/circuit?state=open|closed|auto[&for=15m]',
    answer: circuit,
  },
];

/**
 * The health of all clients; `down` is answered with 503, so that a readiness probe takes the process out of service.
 */
export function ready(clients: ClientSet, health: HealthOptions): Sent {
  const body = healthOfClients(clients, health);
  return { status: body.status === 'down' ? 503 : 200, body };
}

function stats({ clients, prometheus, watcher }: Subject, { headers }: IncomingMessage, url: URL): Sent {
  const format = url.searchParams.get('format');
  // Prometheus names its text format in Accept, among others.
  const scraped = format === null && /text\/plain|openmetrics/.test(headers.accept ?? '');
  if (format === 'prometheus' || scraped) {
    const { contentType, text } = prometheus.scrape(headers.accept);
    return { type: contentType, body: text };
  }
  if (format !== null && format !== 'json') return failure(400, 'format must be json or prometheus');
  const facts = new Map(watcher.take().clients.map((client) => [client.name, client]));
  const told = each(clients, (client, name) => ({ ...client.stats(), ...factsOf(facts.get(name)) }));
  return { body: { ...(isRegistry(clients) ? { config: clients.stats().config } : versions(clients)), clients: told } };
}

/** What stats do not know: what fails, since when, and what changed. */
function factsOf(snapshot: ClientSnapshot | undefined): object {
  if (snapshot === undefined) return {};
  const { severity, failingSince, failures, moreFailures, changes } = snapshot;
  return { severity, failingSince, failures, moreFailures, changes };
}

/** What the page shows, worst first, with the counters and policies of each client. */
function overview({ clients, watcher }: Subject): object {
  const all = clientsOf(clients);
  const shown = watcher.take().clients.map(({ name, attempts, ...figures }) => {
    const client = all.get(name) as Member;
    const { pipeline } = client;
    const { calls } = client.stats();
    return [name, { ...figures, calls, attempts, pipeline }];
  });
  return Object.fromEntries(shown);
}

/** A time as `Date.now()` has it. */
function history({ watcher }: Subject, _request: IncomingMessage, url: URL): Sent {
  const since = url.searchParams.get('since');
  if (since !== null && !/^\d{1,15}(\.\d+)?$/.test(since)) return failure(400, 'since must be milliseconds since 1970');
  return { body: watcher.history(since === null ? undefined : Number(since)) };
}

function config(clients: ClientSet): object {
  const version = isRegistry(clients) ? { version: clients.stats().config } : versions(clients);
  return { ...version, clients: shownConfig(clients) };
}

/** Of a list with registries, the version in force of each, by the name of its source. */
function versions(clients: ClientSet): object {
  const all = [...registriesOf(clients)].map(([source, registry]) => [source, registry.stats().config]);
  return all.length > 0 ? { versions: Object.fromEntries(all) } : {};
}

/** The certificate of each client; null for a client without one. */
function certificates(clients: ClientSet): object {
  return each(clients, (client) => client.stats().identity ?? null);
}

/** Takes a query parameter, like Envoy's admin port: a framework such as Express may have read the body already. */
function circuit(
  { clients, writable, by = 'admin' }: Subject,
  request: IncomingMessage,
  url: URL,
  [name = '']: readonly string[],
): Sent {
  if (!writable) return failure(403, 'Circuits can be forced only with createAdmin(clients, { writable: true }).');
  if (isCrossSite(request)) return failure(403, 'The request comes from a page of another site.');
  const client = clientsOf(clients).get(name);
  if (client === undefined)
    return failure(404, `There is no client ${name}.`, { clients: [...clientsOf(clients).keys()] });
  const state = url.searchParams.get('state');
  const time = url.searchParams.get('for');
  try {
    client.forceCircuit(state as 'auto', { by: by.slice(0, 200), ...(time !== null && { for: time as Duration }) });
  } catch (error) {
    return failure(400, (error as Error).message, { hint: 'Add ?state=open, closed or auto.' });
  }
  return { body: { client: name, circuit: state, ...(time !== null && { for: time }) } };
}

function failure(status: number, error: string, more: object = {}): Sent {
  return { status, body: { error, ...more } };
}

type Member = ReturnType<typeof clientsOf> extends ReadonlyMap<string, infer Client> ? Client : never;

function each(clients: ClientSet, show: (client: Member, name: string) => unknown): object {
  return Object.fromEntries([...clientsOf(clients)].map(([name, client]) => [name, show(client, name)]));
}

/** Answers a request by its route; 405 for a wrong method, 404 with the list of routes for an unknown path. */
export function answerTo(request: IncomingMessage, url: URL, subject: Subject): Sent {
  const there = routes.flatMap((route) => {
    const match = route.path.exec(url.pathname);
    return match === null ? [] : [{ route, match: match.slice(1).map(decoded) }];
  });
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const found = there.find(({ route }) => route.method === method);
  if (found !== undefined) return found.route.answer(subject, request, url, found.match);
  if (there.length > 0)
    return notAllowed(there.flatMap(({ route }) => (route.method === 'GET' ? reads : [route.method])));
  const known = ['GET /', 'GET /events', 'GET /runbook', ...routes.map(({ shown }) => shown)];
  return failure(404, 'There is no such route.', { routes: known });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
