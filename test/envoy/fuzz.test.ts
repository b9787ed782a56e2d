import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { PillionError } from 'pillion';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { checkText } from '../../src/cli/checks/configuration.js';
import { importEnvoy } from '../../src/envoy/import.js';
import { formatReport } from '../../src/envoy/report.js';

const folder = new URL('bootstraps/', import.meta.url);
const bootstraps = readdirSync(folder)
  .filter((name) => !name.includes('expected'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  // Other forms, such as several documents and dumps, have tests of their own.
  .filter((text) => !/^(!ignore|---$|kind:|resources:|\{\s*"configs")/m.test(text))
  .map((text) => parse(text) as object);

type Key = string | number;
type Change = (holder: Record<Key, unknown> | unknown[], key: Key) => void;

/** Where every part of a document is. */
function pathsOf(value: unknown, path: readonly Key[] = []): (readonly Key[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries: [Key, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [path, ...entries.flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

function at(document: unknown, path: readonly Key[]): unknown {
  return path.reduce<unknown>((here, key) => (here as Record<Key, unknown> | undefined | null)?.[key], document);
}

/** A copy in which one part is changed; the same document if an earlier change took the part away. */
function changed(document: object, path: readonly Key[], change: Change): object {
  const copy = structuredClone(document);
  const [holder, key] = [at(copy, path.slice(0, -1)), path.at(-1)];
  if (typeof holder === 'object' && holder !== null && key !== undefined && Object.hasOwn(holder, key))
    change(holder as Record<Key, unknown>, key);
  return copy;
}

const drop: Change = (holder, key) => {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
};
const double: Change = (holder, key) => {
  if (Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]));
  else holder[key] = [structuredClone(holder[key]), holder[key]];
};
const rename: Change = (holder, key) => {
  if (Array.isArray(holder)) return;
  holder[`${key}_x`] = holder[key];
  delete holder[key];
};
const retype =
  (value: unknown): Change =>
  (holder, key) => {
    (holder as Record<Key, unknown>)[key] = value;
  };

const values = fc.constantFrom<unknown>(
  ...[null, '', 'text', '0s', '99999s', -1, 0, 1e12, 0.5, true, [], {}, [[]], { a: { b: 1 } }, '%X%', 'STATIC', '${X}'],
  ...bootstraps,
);
const changes = fc.oneof(fc.constantFrom(drop, double, rename), values.map(retype));

/** A bootstrap with up to three parts changed. */
const documents = fc.constantFrom(...bootstraps).chain((bootstrap) => {
  const place = fc.constantFrom(...pathsOf(bootstrap).filter(({ length }) => length > 0));
  return fc
    .array(fc.tuple(place, changes), { minLength: 1, maxLength: 3 })
    .map((edits) => edits.reduce((document, [path, change]) => changed(document, path, change), bootstrap));
});

/** The addresses of the clusters that speak TLS, as far as anything in them says so, other than a whole bootstrap. */
function protectedHosts(document: object): string[] {
  const clusters = [at(document, ['static_resources', 'clusters'])].flat();
  return clusters
    .map(
      (cluster) =>
        JSON.stringify(cluster, (key, value) => (/^(static_?resources|admin)$/i.test(key) ? undefined : value)) ?? '',
    )
    .filter((text) => /TlsContext|common_tls_context|"sni"/.test(text))
    .flatMap((text) => [...text.matchAll(/"address":"([\w.-]+)"/g)].map(([, host = '']) => host));
}

it('any part of a bootstrap may be dropped, doubled, renamed or something else: nothing breaks, TLS stays TLS, and what comes out loads', () => {
  fc.assert(
    fc.property(documents, (document) => {
      const text = stringify(document, { aliasDuplicateObjects: false }) ?? '';
      try {
        const { config, yaml, report } = importEnvoy(text, 'envoy.yaml');
        expect(parse(yaml)).toEqual(JSON.parse(JSON.stringify(config)));
        expect(formatReport(report, 'envoy.yaml')).toMatch(/\d+ exact\n$/);
        for (const host of protectedHosts(document)) expect(yaml).not.toContain(`http://${host}`);
        const { errors } = checkText(yaml, 'clients.yaml', { env: {}, withoutEnv: true, files: false });
        if (Object.keys(config.clients).length > 0) expect(errors).toEqual([]);
      } catch (error) {
        if (!(error instanceof PillionError)) throw error;
        expect(error.message).toMatch(/^envoy\.yaml:\d+:\d+ /);
      }
    }),
    { numRuns: 600 },
  );
}, 60_000);

/** Parts of the sidecar that one line covers whole, or that change no call. */
const neutral =
  /metadata|^(admin|node|tracing)|\.(access_log|tracing|match|address|locality|retriable_request_headers|retry_host_predicate|hash_policy|dns_\w+|aggression|min_weight_percent|active_request_bias|tls_options|transport_socket_match_criteria|watched_directory|private_key_provider|use_downstream_protocol_config|\w+_sds_secret_configs?)(\.|\[|$)|virtual_hosts\[\d+\]\.retry_policy|socket_options(\.|\[)|^(watchdog|default_regex_engine)\.|transport_socket_matches\[\d+\]\.transport_socket\.|\.transport_socket\.typed_config\.config\.|typed_extension_protocol_options\.[^[]*_x$/;

it('a field that the import does not know is never without a line', () => {
  const places = bootstraps.flatMap((bootstrap) =>
    pathsOf(bootstrap)
      .filter((path) => typeof path.at(-1) === 'string')
      .map((path) => ({ bootstrap, path })),
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), ({ bootstrap, path }) => {
      const text = stringify(changed(bootstrap, path, rename), { aliasDuplicateObjects: false });
      const here = [...path.slice(0, -1), `${path.at(-1)}_x`];
      const spelt = here
        .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
        .join('')
        .slice(1);
      if (neutral.test(spelt)) return;
      let told: string[] = [];
      try {
        told = importEnvoy(text, 'envoy.yaml')
          .report.filter(
            ({ status, note = '' }) => status === 'unmapped' || status === 'error' || note.startsWith('not used'),
          )
          .map(({ from }) => from);
      } catch (error) {
        if (!(error instanceof PillionError)) throw error;
        return;
      }
      const covers = (from: string) => spelt === from || spelt.startsWith(`${from}.`) || spelt.startsWith(`${from}[`);
      expect(told.filter(covers), spelt).not.toEqual([]);
    }),
    { numRuns: 500 },
  );
}, 60_000);
