/** Named clients from one configuration: `defaults` merged under each, every fault found and located. */
import { dotted, faultsOf, hint, type OptionFault } from '../options.js';
import { ConfigDocument, type Path, type Position } from './document.js';
import {
  isPlain,
  type Reference,
  type Resolved,
  referencesIn,
  resolveReferences,
  type Surroundings,
  scalarIn,
} from './references.js';
import { type Config, type HttpClientConfig, namelessSchema, optionalSections } from './schema.js';

/** What a file of clients holds. */
export interface HttpClientsConfig {
  /** Merged under each of `clients`: objects key by key, everything else as a whole. */
  defaults?: Omit<HttpClientConfig, 'name'>;
  /** By name. `false` for an optional section takes out what `defaults` says. */
  clients: Record<string, Omit<HttpClientConfig, 'name'>>;
}

/** Something wrong with a configuration, or likely to be. */
export interface ConfigFault {
  /** Where the configuration comes from: a file's path, an address. */
  readonly file: string;
  /** Counted from 1; absent for a configuration that is no text. */
  readonly line?: number;
  /** Counted from 1. */
  readonly column?: number;
  /** Dotted: `clients.billing.timeouts.total`. */
  readonly path: string;
  /** What is wrong, and mostly how to mend it. */
  readonly message: string;
}

/** `file:line:column path message` */
export function spelled({ file, line, column, path, message }: ConfigFault): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  return path === '' ? `${place} ${message}` : `${place} ${path} ${message}`;
}

/** What is wrong with a text before anything is made of it. */
export function textFaults({ faults }: ConfigDocument, file: string): ConfigFault[] {
  return faults.map(({ path, ...rest }) => ({ file, path: shownPath(path), ...rest }));
}

/** As one reads them: from the top of the file. */
export function inOrder(faults: readonly ConfigFault[]): ConfigFault[] {
  return [...faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

/** A client as the file has it. */
export interface NamedClient {
  readonly name: string;
  readonly config: Config;
}

/** The text, if it is one, and what was made of it. */
export class ParsedClients {
  /** Those without fault. */
  readonly clients: NamedClient[] = [];
  /** All that the configuration names. */
  readonly names: string[] = [];
  readonly #faults: ConfigFault[] = [];
  readonly #file: string;
  readonly #document: ConfigDocument | undefined;
  readonly #resolved: Resolved;
  readonly #root: Record<string, unknown>;

  constructor(input: ConfigDocument | object, file: string, surroundings: Surroundings) {
    this.#file = file;
    this.#document = input instanceof ConfigDocument ? input : undefined;
    this.#resolved = resolveReferences(this.#document ? this.#document.value : input, surroundings);
    this.#root = isPlain(this.#resolved.value) ? this.#resolved.value : {};
    if (this.#document !== undefined) this.#faults.push(...textFaults(this.#document, file));
    if (this.#faults.length === 0) this.#read();
  }

  /** In the order of the file. */
  get faults(): readonly ConfigFault[] {
    return inOrder(this.#faults);
  }

  /** Files that references stand for. */
  get files(): readonly string[] {
    return this.#resolved.files;
  }

  /** Adds what was found later: about an option of one client. */
  fault(client: string, { path, message, unknown }: OptionFault): void {
    this.#add(this.originOf(client, path), this.#withoutValues(client, path, message), unknown === true);
  }

  /** Faults of certificates quote the paths they are read from: those that a reference gave as the reference. */
  #withoutValues(client: string, [section]: Path, message: string): string {
    if (section !== 'tls') return message;
    const below = JSON.stringify(this.originOf(client, ['tls']));
    return [...this.#resolved.references]
      .filter(([at]) => isBelow(at, below) || isBelow(at, JSON.stringify(['defaults', 'tls'])))
      .map(([at, { text }]) => [this.#valueAt(JSON.parse(at)), referencesIn(text)])
      .reduce<string>(
        (told, [value, shown]) =>
          told.replaceAll(`(${value})`, `(${shown})`).replaceAll(` in ${value}`, ` in ${shown}`),
        message,
      );
  }

  /** A fault about an option, for who collects them elsewhere. */
  located(client: string, { path, message }: OptionFault): ConfigFault {
    return this.#located(this.originOf(client, path), message, false);
  }

  /** Where an option of a client comes from: its own part of the file, or the defaults; the part around it where neither says it. */
  originOf(client: string, path: Path): Path {
    for (let length = path.length; length > 0; length--) {
      const inner = path.slice(0, length);
      const rest = path.slice(length);
      for (const origin of [
        ['clients', client, ...inner],
        ['defaults', ...inner],
      ])
        if (this.#says(origin)) return [...origin, ...rest];
    }
    return ['clients', client, ...path];
  }

  /** True where the configuration says something at exactly this path. */
  says(client: string, path: Path): 'clients' | 'defaults' | undefined {
    if (this.#says(['clients', client, ...path])) return 'clients';
    return this.#says(['defaults', ...path]) ? 'defaults' : undefined;
  }

  /** The reference that gave a client's option its value. */
  referenceOf(client: string, path: Path): Reference | undefined {
    return this.#resolved.references.get(JSON.stringify(this.originOf(client, path)));
  }

  /**
   * True where a reference gave an option its value, a part of it, or the part around it. A number or a switch from a variable
   * is no secret; whatever a file gave may be one.
   */
  isSecret(client: string, path: Path, value: unknown): boolean {
    const isText = typeof value !== 'number' && typeof value !== 'boolean';
    const own = JSON.stringify(this.originOf(client, path));
    return [...this.#resolved.references].some(
      ([at, { secret }]) => (secret || isText) && (at === own || isBelow(at, own) || isBelow(own, at)),
    );
  }

  positionOf(path: Path): Position | undefined {
    return this.#document?.position(path);
  }

  #valueAt(path: Path): unknown {
    return path.reduce<unknown>((here, key) => (here as Record<PropertyKey, unknown> | undefined)?.[key], this.#root);
  }

  #says(path: Path): boolean {
    let here: unknown = this.#root;
    for (const key of path) {
      if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return false;
      here = (here as Record<PropertyKey, unknown>)[key];
    }
    return true;
  }

  #located(path: Path, message: string, atKey: boolean): ConfigFault {
    const place = atKey ? this.#document?.keyPosition(path) : this.#document?.position(path);
    return { file: this.#file, ...place, path: shownPath(path), message };
  }

  /** What is wrong with the defaults is told once, not for each client. */
  #add(path: Path, message: string, atKey = false): void {
    const fault = this.#located(path, message, atKey);
    if (!this.#faults.some((known) => spelled(known) === spelled(fault))) this.#faults.push(fault);
  }

  #read(): void {
    for (const { path, message } of this.#resolved.faults) this.#add(path, message);
    if (!isPlain(this.#resolved.value)) {
      this.#add([], 'expected an object with `clients`, by name');
      return;
    }
    const { defaults = {}, clients } = this.#root;
    for (const key of Object.keys(this.#root))
      if (!known.includes(key) && !key.startsWith('x-')) this.#add([key], `unknown option${hint(key, known)}`, true);
    if (!isPlain(defaults)) this.#add(['defaults'], 'expected an object');
    else if (!isPlain(clients) || Object.keys(clients).length === 0)
      this.#add(['clients'], 'expected at least one client, by name');
    else for (const [name, own] of Object.entries(clients)) this.#readClient(name, own, defaults);
  }

  #readClient(name: string, own: unknown, defaults: Record<string, unknown>): void {
    if (!/^[\w./-]{1,100}$/.test(name))
      this.#add(['clients', name], 'the name of a client has letters, digits and . _ - / only', true);
    else if (!isPlain(own ?? {})) this.#add(['clients', name], 'expected an object');
    else {
      this.names.push(name);
      const merged = mergedOptions(defaults, this.#withoutSections(name, (own ?? {}) as Record<string, unknown>));
      if ('name' in merged) this.fault(name, { path: ['name'], message: 'a client is named by its key; remove this' });
      else this.#validate(name, merged);
    }
  }

  /** `false` for an optional section may come from a reference, which gives text. */
  #withoutSections(name: string, own: Record<string, unknown>): Record<string, unknown> {
    const off = optionalSections.filter((section) => own[section] === 'false' && this.referenceOf(name, [section]));
    return { ...own, ...Object.fromEntries(off.map((section) => [section, false])) };
  }

  #validate(name: string, options: Record<string, unknown>): void {
    let result = namelessSchema.safeParse(options);
    if (!result.success && this.#readScalars(name, options, faultsOf(result.error, namelessSchema)))
      result = namelessSchema.safeParse(options);
    if (result.success) {
      this.clients.push({ name, config: { name, ...result.data } });
      return;
    }
    for (const fault of faultsOf(result.error, namelessSchema))
      if (fault.unknown || !this.referenceOf(name, fault.path)?.open) this.fault(name, fault);
  }

  /** Text from a reference becomes a number or a boolean where text was not what the option takes. */
  #readScalars(name: string, options: Record<string, unknown>, faults: readonly OptionFault[]): boolean {
    let changed = false;
    for (const { path } of faults) {
      const [holder, key] = holderOf(options, path);
      const text = holder?.[key];
      if (typeof text !== 'string' || this.referenceOf(name, path) === undefined) continue;
      const value = scalarIn(text);
      if (value === text) continue;
      (holder as Record<PropertyKey, unknown>)[key] = value;
      changed = true;
    }
    return changed;
  }
}

/** Of two paths as JSON. */
function isBelow(path: string, other: string): boolean {
  return path.startsWith(`${other.slice(0, -1)},`);
}

const known = ['defaults', 'clients', '$schema'];

function shownPath(path: Path): string {
  return path.length === 0 ? '' : dotted(path);
}

function holderOf(
  options: Record<string, unknown>,
  path: Path,
): [Record<PropertyKey, unknown> | undefined, PropertyKey] {
  let here: unknown = options;
  for (const key of path.slice(0, -1)) here = (here as Record<PropertyKey, unknown> | undefined)?.[key];
  const holds = typeof here === 'object' && here !== null;
  return [holds ? (here as Record<PropertyKey, unknown>) : undefined, path.at(-1) ?? ''];
}

/** Always fresh objects, so that a value read for one client does not change another's. */
function mergedOptions(defaults: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  const merged = merge(defaults, own);
  if (isPlain(defaults.headers) && isPlain(own.headers)) merged.headers = mergedHeaders(defaults.headers, own.headers);
  for (const section of optionalSections) if (own[section] === false) delete merged[section];
  return merged;
}

function merge(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(under), ...Object.keys(over)])) {
    const [below, above] = [under[key], over[key]];
    if (!Object.hasOwn(over, key)) merged[key] = copy(below);
    else merged[key] = isPlain(below) && isPlain(above) ? merge(below, above) : copy(above);
  }
  return merged;
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  return isPlain(value) ? merge(value, {}) : value;
}

/** Names of headers are the same whatever their case. */
function mergedHeaders(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const taken = new Set(Object.keys(over).map((name) => name.toLowerCase()));
  const kept = Object.entries(under).filter(([name]) => !taken.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...over };
}
