/** The configurations in bootstraps/: Envoy accepts them, and each field of theirs is reported on. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { importEnvoy } from '../../src/envoy/import.js';
// @ts-expect-error plain JavaScript
import { installedEnvoy } from '../differential/envoy.mjs';
import { authority } from '../support/certificates.js';

const run = promisify(execFile);

const folder = new URL('bootstraps/', import.meta.url);
const files = readdirSync(folder).filter((name) => !name.includes('expected'));
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

it('there are at least 60 configurations, each of at most 120 lines if it is written by hand', () => {
  expect(files.length).toBeGreaterThanOrEqual(60);
  const long = files.filter((name) => name.endsWith('.yaml') && read(name).split('\n').length > 121);
  expect(long).toEqual([]);
});

it('each YAML file begins with a comment that says what it is', () => {
  expect(files.filter((name) => name.endsWith('.yaml') && !/^(---\n)?# \S.{10,}\.\r?\n/.test(read(name)))).toEqual([]);
});

/** Files that Envoy does not start with, by what it says. */
const refused = new Map<string, string>(
  Object.entries({
    'api-of-2020.yaml': 'has unknown fields',
    'configmap.yaml': 'has unknown fields',
    'contour-dump.json': 'has unknown fields',
    'file-of-resources.yaml': 'has unknown fields',
    'istio-dump.json': 'has unknown fields',
    'masked-dump.json': 'has unknown fields',
    'secret-only-dump.json': 'has unknown fields',
    'careless-tls.yaml': 'Certificate validity period is always ignored without trusted CA',
    'every-retry-word.yaml': "Didn't find a registered implementation",
    'headers.yaml': "Didn't find a registered implementation",
    'istio-like.yaml': "Didn't find a registered implementation",
    'open-to-the-network.yaml': "Didn't find a registered implementation",
    'mirror-and-fault.yaml': "unknown shadow cluster 'nowhere'",
    'weights.yaml': "unknown weighted cluster 'gone'",
    'odd-shapes.yaml': 'Unable to parse JSON as proto',
    'outliers-and-checks.yaml': 'value is required',
    'filters-with-code.yaml': 'Invalid path',
    'material-in-the-file.yaml': "could not find @type 'type.googleapis.com/envoy.extensions.private_key_providers",
    'routes-without-clusters.yaml': "unknown cluster 'elsewhere'",
    'tls-that-cannot-be-read.yaml': 'no such field',
    'values-that-envoy-refuses.yaml': 'Unable to parse JSON as proto',
    'limits-that-envoy-refuses.yaml': 'Unsupported field in per_host_thresholds',
    'mutations-that-envoy-refuses.yaml': ':-prefixed or host headers may not be modified',
    'ranges-that-envoy-refuses.yaml': 'invalid ip/mask combo',
    'tcp-and-dynamic.yaml': 'value length must be at least 1 characters',
  }),
);

const envoy: string | undefined = installedEnvoy();
if (envoy === undefined) console.log('Skipped: Envoy is not installed; `npm run envoy` installs it.');

describe.skipIf(envoy === undefined).concurrent('Envoy', () => {
  const place = mkdtempSync(join(tmpdir(), 'pillion-corpus-'));
  afterAll(() => rmSync(place, { recursive: true }));

  beforeAll(async () => {
    const { cert, key } = await (await authority('corpus')).issue({ name: 'corpus', dns: ['corpus.internal'] });
    for (const name of ['file.crt', 'file.crl']) writeFileSync(join(place, name), cert);
    writeFileSync(join(place, 'file.key'), key);
    writeFileSync(join(place, 'file.yaml'), 'resources: []');
  });

  /** What Envoy says about the configuration, in which files of /etc are files that exist; empty if it accepts it. */
  async function complaintOn(name: string): Promise<string> {
    const text = read(name).replace(/\/etc\/[\w./-]+/g, (path) => {
      const end = extname(path);
      return end === '' ? place : join(place, `file${end}`);
    });
    const file = join(place, name);
    writeFileSync(file, text);
    const identity = ['--service-node', 'shop', '--service-cluster', 'shop'];
    const options = ['--mode', 'validate', '--concurrency', '1', '--disable-hot-restart', '-l', 'error'];
    try {
      await run(envoy as string, ['-c', file, ...options, ...identity], { timeout: 10_000 });
      return '';
    } catch (error) {
      return (error as { stderr: string }).stderr.replace(/\s+/g, ' ') || String(error);
    }
  }

  it.each(files.filter((name) => !refused.has(name)))('accepts %s', async (name) => {
    expect(await complaintOn(name)).toBe('');
  });

  it.each([...refused])('refuses %s, because "%s"', async (name, complaint) => {
    expect(await complaintOn(name)).toContain(complaint);
  });
});

type Key = string | number;
type Place = readonly Key[];

/** The configuration of a file as plain data: of several documents the first, of a ConfigMap the file in it. */
function contents(name: string): object {
  const ignored = { tag: '!ignore', resolve: (text: string) => text };
  const [first] = parseAllDocuments(read(name), { customTags: [ignored] });
  const value = first?.toJS() as { kind?: string; data?: Record<string, string> };
  return value.kind === 'ConfigMap' ? parse(value.data?.['envoy.yaml'] ?? '') : value;
}

/** The places of all values that hold no others. */
function leavesOf(value: unknown, place: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [place];
  const entries: [Key, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.length === 0 ? [place] : entries.flatMap(([key, inner]) => leavesOf(inner, [...place, key]));
}

function without(document: object, place: Place): object {
  const copy = structuredClone(document);
  const holder = place.slice(0, -1).reduce<unknown>((here, key) => (here as Record<Key, unknown>)[key], copy);
  if (Array.isArray(holder)) holder.splice(Number(place.at(-1)), 1);
  else delete (holder as Record<Key, unknown>)[place.at(-1) as Key];
  return copy;
}

const spelt = (place: Place) =>
  place
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '');

/** What an import makes of a document; undefined where it is refused. */
function resultOf(document: object) {
  try {
    const { config, report } = importEnvoy(JSON.stringify(document), 'envoy.json');
    return {
      clients: config.clients,
      report: report.map(({ status, from, to, note }) => ({ status, from, to, note })),
    };
  } catch {
    return undefined;
  }
}

const field = (...names: string[]) => new RegExp(`(^|\\.)(${names.join('|')})(\\.|\\[|$)`);
const last = (...names: string[]) => new RegExp(`(^|\\.)(${names.join('|')})(\\[\\d+\\])?$`);

/** A line on one of these says what is missing in the part or what became of all of it: it is no line on what is in it. */
const containers =
  /(^|\.)((clusters|configs|resources)\[\d+\]|clusters|cluster|route|retry_policy|retryPolicy|common_tls_context)$/;

/** Parts that one line is about, with all that is in them. */
const wholes = last(
  // The library has nothing in their place.
  ...['access_log', 'accessLog', 'admin', 'address', 'match', 'domains', 'tracing', 'retry_host_predicate'],
  ...[
    'retriable_request_headers',
    'watched_directory',
    'tls_certificate_sds_secret_configs',
    'transport_socket_matches',
  ],
  ...['validation_context_sds_secret_config', 'reset_headers', 'password', 'alpn_protocols'],
  ...['private_key_provider', 'use_downstream_protocol_config'],
  ...['healthy_panic_threshold', 'request_headers_to_add', 'active_request_bias', 'aggression', 'zone_aware_lb_config'],
  ...['tls_options', 'transport_socket_match_criteria', 'dns_failure_refresh_rate', 'internal_address_config'],
);

/** Fields that name something, or choose what has a line. They need no line of their own. */
const names = last(
  ...['@type', 'name', 'cluster', 'cluster_name', 'route_config_name', 'routeConfigName', 'weight', 'tlsMode'],
  ...['bind_to_port', 'bindToPort', 'static_resources', 'locality_weighted_lb_config', 'hostname'],
  ...['local_cluster_name', 'zone'],
);

/** Fields that change no call: without them the clients and the report are the same. By the reason. */
const neutral: Record<string, RegExp> = {
  'names for statistics, logs and people': last(
    ...['@type', 'name', 'stat_prefix', 'statPrefix', 'alt_stat_name', 'cluster_name', 'clusterName'],
  ),
  'nobody but a control plane reads them': field('node', 'metadata', 'version_info', 'versionInfo'),
  'when and how something came from the control plane': field(
    ...['last_updated', 'lastUpdated', 'client_status', 'config_source', 'configSource'],
  ),
  'settings of the process or of its sockets': field(
    ...['stats_flush_interval', 'watchdog', 'default_regex_engine', 'socket_options', 'use_original_dst'],
    ...['listener_filters_timeout', 'continue_on_listener_filters_timeout', 'per_connection_buffer_limit_bytes'],
    ...['bind_to_port', 'bindToPort'],
  ),
  'an outbound listener is read, whatever it says of its direction': field('traffic_direction', 'trafficDirection'),
  'Retry-After is read in both forms': field('format'),
  'every host': last('domains'),
  'checks of Envoy on its own configuration': field('validate_clusters', 'validateClusters', 'total_weight'),
  'the routes stand in the listeners too': field('static_route_configs'),
  'the name itself tells its kind': field('san_type'),
  'the default, written out': field(
    'trust_chain_verification',
    'denominator',
    'substitution',
    'tls_maximum_protocol_version',
    'ipv4_compat',
  ),
  'the name of an endpoint matters with TLS, and to fields that have lines': field('hostname'),
  'the zone of the service is written into clients with zones': field('local_cluster_name'),
  'the weights of localities have lines': field('locality_weighted_lb_config'),
  'the type of the cluster says how it chooses': field('lb_policy'),
  'no cookie is made, which has a line': /hash_policy\[\d+\]\.cookie\.(path|attributes)/,
  'no route uses a cluster that is not found': field('cluster_not_found_response_code'),
  'the socket is chosen by them, which has a line': field('transport_socket_matches'),
  'the line on the socket says what becomes of it': field('cleartext_socket_config', 'typed_config\\.config'),
  'the first status that is expected, 200, is the default': field('expected_statuses'),
};

/** How often a field at a place, whatever its indices, was found in order: three times are enough. */
const inOrder = new Map<string, number>();

/** True for a line that is about all that is in a part. */
const coversAll = ({ status, note = '' }: { status: string; note?: string | undefined }) =>
  status === 'unmapped' || status === 'error' || note.startsWith('not used');

/** Where a field of the document is neither reported on nor known to need no line. */
function untold(document: object): string[] {
  const base = resultOf(document);
  const told = new Set(base?.report.map(({ from }) => from));
  return leavesOf(document).flatMap((place) => {
    const path = spelt(place);
    const above = base?.report.filter(({ from }) => path.startsWith(`${from}.`) || path.startsWith(`${from}[`)) ?? [];
    if (told.has(path) || above.some(coversAll)) return [];
    const lines = above.filter(({ from }) => !containers.test(from));
    if (lines.some(({ from }) => wholes.test(from))) return [];
    const shape = `${path.replace(/\[\d+\]/g, '[]')} ${lines.length > 0}`;
    const times = inOrder.get(shape) ?? 0;
    if (times >= 3) return [];
    const changes = !isDeepStrictEqual(resultOf(without(document, place)), base);
    const known = changes
      ? lines.length > 0 || names.test(path)
      : Object.values(neutral).some((fields) => fields.test(path));
    if (!known) return [`${path} changes ${changes ? 'something' : 'nothing'}`];
    inOrder.set(shape, times + 1);
    return [];
  });
}

describe('each field is reported on, or changes no call', () => {
  it.each(files)('%s', (name) => {
    expect(untold(contents(name))).toEqual([]);
  });
});
