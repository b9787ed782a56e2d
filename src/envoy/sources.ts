/** Finds the parts of an Envoy configuration in the forms that people have: a bootstrap, a dump, a list of resources. */
import { ErrorCode, PillionError } from '../call/errors.js';
import { isPlain } from '../call/own.js';
import { spelled, textFaults } from '../registry/file/config-faults.js';
import { ConfigDocument, type ForeignText, type Position } from '../registry/file/document.js';
import { EnvoyFile, type Reader } from './reader.js';

/** The parts of an Envoy configuration from which clients are made. */
export interface Sources {
  readonly file: EnvoyFile;
  readonly clusters: readonly Reader[];
  readonly listeners: readonly Reader[];
  /** Route configurations outside of listeners, by name, as in a dump. */
  readonly routes: ReadonlyMap<string, Reader>;
  /** Secrets by name. */
  readonly secrets: ReadonlyMap<string, Reader>;
  /** Endpoints outside of clusters, by the name of the cluster. */
  readonly endpoints: ReadonlyMap<string, Reader>;
  /** The settings of the process: `admin`, `stats_sinks` and others. A dump of other parts has none. */
  readonly bootstrap: Reader | undefined;
}

/**
 * Envoy's files and dumps are read once, by a command; the bounds only keep a text from blocking it for minutes.
 */
const reading: ForeignText = {
  most: { characters: 32 << 20, signs: 16 << 20, depth: 100, nodes: 4_000_000, faults: 50 },
  ignoredTag: '!ignore',
  lenient: true,
};

/** @throws PillionError `ERR_CONFIG` for a text that is neither a bootstrap nor one of the other known forms */
export function openSources(text: string, file: string): Sources {
  const documents = documentsOf(text);
  const parsed = documents.map((each) => new ConfigDocument(each, reading));
  const manifest = parsed.findIndex(({ value }) => isPlain(value) && isPlain(value.data) && 'kind' in value);
  if (manifest >= 0) return ofManifest(parsed[manifest] as ConfigDocument, documents[manifest] ?? '', file);
  const template = templateOf(text);
  if (template !== undefined) throw refused(`${file}:1:1 ${template}`);
  const sources = ofDocument(parsed[0] as ConfigDocument, file, (same) => same);
  for (const more of parsed.slice(1))
    if (more.value !== null && more.value !== undefined)
      sources.file.root.warn('the file has further YAML documents: Envoy reads only the first, and so does the import');
  return sources;
}

function refused(message: string): PillionError {
  return new PillionError(ErrorCode.CONFIG, message);
}

/** The message for a template that was not rendered; undefined for any other text. */
function templateOf(text: string): string | undefined {
  const go =
    /\{\{-?\s*(?:\.|\$|\/\*|(?:if|range|end|include|template|with|define|else|toYaml|tpl|quote|printf|env|getenv|key)\b)/;
  if (/\{\{-?[^{}]*\.(?:Values|Release|Chart|Files|Capabilities)\b/.test(text))
    return 'is a template of Helm: render it first (`helm template RELEASE CHART > rendered.yaml`) and import the result';
  if (go.test(text))
    return 'is a Go template: render it first with the program that fills it in, such as gomplate or consul-template, and import the result';
  if (/\{%-?\s*(?:if|for|set|end\w*|else|elif|include|block|macro)\b|\{\{\s*[a-z_]\w*\s*(?:\||\}\}|\.)/i.test(text))
    return 'is a Jinja template: render it first, such as with `ansible` or `jinja2`, and import the result';
  if (/<%=?/.test(text) && !text.includes('inline_'))
    return 'is an ERB template: render it first (`erb FILE`) and import the result';
  // Only where no text can stand, or no such text: as the value of a header `${NAME}` means itself.
  const bare =
    /^[^#\n'"]*\b(?:address|port_value|\w*(?:timeout|interval|duration|weight|percent\w*|retries|threshold)|max_\w+|priority|numerator):\s*\$(?:\{\w+(?::?[-=+?][^}\n]*)?\}|[A-Z_]\w*)\s*(?:[,}\]#].*)?$/m;
  if (bare.test(text) || /port_value['"]?:\s*['"]?\$\{?\w/.test(text))
    return 'has ${NAME} in place of values: fill them in first (`envsubst < FILE > rendered.yaml`, with the variables set) and import the result';
  return undefined;
}

/** The YAML documents of a text, each preceded by empty lines so that its positions are those of the text. */
function documentsOf(text: string): string[] {
  const starts = [0, ...[...text.matchAll(/^(?:---|\.\.\.)(?=\s|$)/gm)].map(({ index }) => index)];
  const parts = starts.map((start, index) => {
    const before = text.slice(0, start).replace(/[^\n]+/g, '');
    return before + text.slice(start, starts[index + 1] ?? text.length).replace(/^\.\.\./, '');
  });
  const filled = parts.filter((part) => /^(?!---\s*$|\s*#|\s*$|%)/m.test(part.replace(/^---[ \t]*(#.*)?$/m, '')));
  return filled.length > 0 ? filled : [text];
}

/** The Envoy file in `data` of a ConfigMap. */
function ofManifest(manifest: ConfigDocument, text: string, file: string): Sources {
  const { data } = manifest.value as { data: Record<string, unknown> };
  const candidates: string[] = [];
  const templates: string[] = [];
  for (const [name, inner] of Object.entries(data)) {
    if (typeof inner !== 'string') continue;
    const { line } = manifest.keyPosition(['data', name]);
    const lines = text.split('\n');
    const isBlock = /[|>][-+\d]*\s*(#.*)?$/.test(lines[line - 1] ?? '');
    const indent = /^ */.exec(lines.slice(line).find((each) => each.trim() !== '') ?? '')?.[0].length ?? 0;
    const place = (at: Position): Position =>
      isBlock ? { line: line + at.line, column: indent + at.column } : manifest.keyPosition(['data', name]);
    const template = templateOf(inner);
    if (template !== undefined) {
      templates.push(`${file}:${line}:1 data.${name} ${template}`);
      continue;
    }
    const document = new ConfigDocument(inner, reading);
    if (isPlain(document.value) && formOf(document.value) !== undefined) return ofDocument(document, file, place);
    candidates.push(name);
  }
  if (templates.length > 0) throw refused(templates.join('\n'));
  throw refused(`${file}:1:1 has no Envoy configuration under data (${candidates.join(', ') || 'it is empty'})`);
}

const bootstrapKeys = ['static_resources', 'staticResources', 'dynamic_resources', 'dynamicResources', 'admin'];

function formOf(value: Record<string, unknown>): 'bootstrap' | 'dump' | 'resources' | undefined {
  if (bootstrapKeys.some((key) => Object.hasOwn(value, key))) return 'bootstrap';
  if (Object.hasOwn(value, 'configs')) return 'dump';
  return Object.hasOwn(value, 'resources') ? 'resources' : undefined;
}

function ofDocument(document: ConfigDocument, file: string, place: (place: Position) => Position): Sources {
  const faults = textFaults(document, file).map((fault) => spelled({ ...fault, ...place(fault as Position) }));
  const form = isPlain(document.value) ? formOf(document.value) : undefined;
  if (faults.length === 0 && form === undefined)
    faults.push(
      `${file}:1:1 is not an Envoy bootstrap: it has none of the keys ${bootstrapKeys.join(', ')}; a dump of /config_dump has configs`,
    );
  if (faults.length > 0) throw refused(faults.join('\n'));
  const envoy = new EnvoyFile(document, place);
  if (form === 'bootstrap') return ofBootstrap(envoy);
  for (const name of ['version_info', 'system_version_info', 'type_url', 'nonce'])
    envoy.root.get(name)?.whole().structure();
  return ofItems(envoy, envoy.root.list(form === 'dump' ? 'configs' : 'resources'));
}

function ofBootstrap(file: EnvoyFile): Sources {
  const resources = file.root.get('static_resources');
  return {
    file,
    clusters: resources?.list('clusters') ?? [],
    listeners: resources?.list('listeners') ?? [],
    routes: new Map(),
    secrets: named(resources?.list('secrets') ?? [], 'name'),
    endpoints: new Map(),
    bootstrap: file.root,
  };
}

function named(readers: readonly Reader[], name: string): Map<string, Reader> {
  return new Map(readers.map((reader) => [reader.name(name) ?? '', reader]));
}

/** Lists of a dump, with the way from one of their items to the resource. */
const dumped: readonly (readonly [string, readonly string[]])[] = [
  ['static_clusters', ['cluster']],
  ['dynamic_active_clusters', ['cluster']],
  ['static_listeners', ['listener']],
  ['dynamic_listeners', ['active_state', 'listener']],
  ['dynamic_route_configs', ['route_config']],
  ['static_secrets', ['secret']],
  ['dynamic_active_secrets', ['secret']],
  ['dynamic_endpoint_configs', ['endpoint_config']],
];

const notInUse = 'it was not in use when the dump was made';

/** Sorts the items of a dump, or of a file of resources for Envoy, by their types. */
function ofItems(file: EnvoyFile, items: readonly Reader[]): Sources {
  let bootstrap: Reader | undefined;
  const found = items.flatMap((item) => {
    const type = item.type();
    if (type === 'BootstrapConfigDump') {
      for (const name of ['version_info', 'last_updated']) item.get(name)?.structure();
      bootstrap = item.structure().get('bootstrap')?.structure();
      // The dump has its clusters, listeners and secrets once more.
      bootstrap?.get('static_resources')?.whole().structure();
      return [];
    }
    const entries = dumped.flatMap(([list, way]) => item.list(list).map((entry) => [entry, way] as const));
    const alone = dumped.some(([, [name = '']]) => isPlain(item.value) && item.get(name) !== undefined);
    if (entries.length === 0 && !alone) return type?.endsWith('Dump') ? empty(item) : [item];
    // The routes and endpoints stand in the listeners and clusters too.
    for (const name of ['version_info', 'static_route_configs', 'static_endpoint_configs'])
      item.get(name)?.whole().structure();
    for (const name of ['dynamic_warming_clusters', 'dynamic_warming_secrets', 'dynamic_draining_listeners'])
      item.get(name)?.whole().unmapped(notInUse);
    if (!alone) return entries.flatMap(([entry, way]) => inUse(entry, way));
    const ways = new Map(dumped.map(([, way]) => [way.join('.'), way]));
    return [...ways.values()].flatMap((way) => inUse(item, way));
  });
  const of = (kind: string) => found.filter((each) => each.type() === kind);
  return {
    file,
    clusters: of('Cluster'),
    listeners: of('Listener'),
    routes: named(of('RouteConfiguration'), 'name'),
    secrets: named(of('Secret'), 'name'),
    endpoints: named(of('ClusterLoadAssignment'), 'cluster_name'),
    bootstrap,
  };
}

function empty(item: Reader): never[] {
  item.whole().structure();
  return [];
}

/** The resource of an entry of a dump; undefined for one that was still being loaded, or was refused. */
function inUse(entry: Reader, way: readonly string[]): Reader[] {
  for (const name of ['name', 'version_info', 'last_updated', 'client_status']) entry.get(name)?.whole().structure();
  for (const name of ['error_state', 'warming_state', 'draining_state']) entry.get(name)?.whole().unmapped(notInUse);
  const state = way.length > 1 ? entry.get(way[0] ?? '') : undefined;
  for (const name of ['version_info', 'last_updated']) state?.get(name)?.structure();
  const resource = entry.at(...way);
  return resource === undefined ? [] : [resource];
}
