/** Named clients from one configuration: `defaults` merged under each, every fault found and located. */
import type { OptionProblem } from '../../call/errors.js';
import { dataOf } from '../../call/own.js';
import { type Config, type HttpClientConfig, namelessSchema, optionalSections } from '../../client/config/config.js';
import { faultsOf, type OptionFault, shownPath, valueAt } from '../../options/options.js';
import { materialFaults } from '../../transport/tls/material-faults.js';
import { ConfigDocument, type Path, type Position } from './document.js';
import { mergedOptions } from './merged.js';
import {
  clientFault,
  inContext,
  isMisplaced,
  isNestedClient,
  looksLikeClient,
  misspeltClients,
  topLevelFault,
} from './misplaced.js';
import {
  isPlain,
  putScalar,
  type Reference,
  type Resolved,
  referencesIn,
  resolveReferences,
  type Surroundings,
} from './references.js';
import { type WellPart, wellPart } from './well.js';

/** What a file of clients holds. */
export interface HttpClientsConfig {
  /** Merged under each of `clients`: objects key by key, everything else as a whole. */
  defaults?: Omit<HttpClientConfig, 'name'>;
  /** By name. `false` for an optional section takes out what `defaults` says. */
  clients: Record<string, Omit<HttpClientConfig, 'name'>>;
}

/** Something wrong with a configuration, or likely to be. */
export interface ConfigFault extends OptionProblem {
  /** Where the configuration comes from: a file's path, an address. */
  readonly file: string;
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

/** A client with or without faults. */
export interface ExaminedClient {
  readonly name: string;
  /** Merged with the defaults, references looked up, as yet unchecked. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What of it can be used; undefined where nothing can. */
  part(): WellPart | undefined;
}

/** The text, if it is one, and what was made of it. */
export class ParsedClients {
  /** Those without fault. */
  readonly clients: NamedClient[] = [];
  /** All that the configuration names. */
  readonly names: string[] = [];
  /** Every client, also with faults. */
  readonly examined: ExaminedClient[] = [];
  /** Where clients stand that are not where they belong. */
  readonly #places = new Map<string, Path>();
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
    if (this.#document?.readable !== false) this.#read();
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
        [...this.#placeOf(client), ...inner],
        ['defaults', ...inner],
      ])
        if (this.#says(origin)) return [...origin, ...rest];
    }
    return [...this.#placeOf(client), ...path];
  }

  #placeOf(client: string): Path {
    return this.#places.get(client) ?? ['clients', client];
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

  /** True where a reference stands for an option, or a part of it, and what it stands for is not known here. */
  #isOpen(client: string, path: Path): boolean {
    return this.#hasReference(client, path, ({ open }) => open);
  }

  #hasReference(client: string, path: Path, test: (reference: Reference) => boolean): boolean {
    const start = JSON.stringify(this.originOf(client, path)).slice(0, -1);
    const references = [...this.#resolved.references];
    return references.some(([at, each]) => test(each) && (at === `${start}]` || at.startsWith(`${start},`)));
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

  /** Adds what is wrong with the certificates and keys of all clients. */
  readMaterial(): void {
    for (const { name, options } of this.examined)
      for (const fault of materialFaults(options.tls, (option) => this.#isOpen(name, ['tls', option])))
        this.fault(name, fault);
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

  /** What is wrong with the defaults is told once, not for each client, and what is no text of sense not again as its value. */
  #add(path: Path, message: string, atKey = false): void {
    const fault = this.#located(path, message, atKey);
    const known = (each: ConfigFault) => spelled(each) === spelled(fault);
    const unreadable = this.#document?.faults.some((each) => shownPath(each.path) === fault.path) === true;
    if (!unreadable && !this.#faults.some(known)) this.#faults.push(fault);
  }

  #read(): void {
    for (const { path, message } of this.#resolved.faults) this.#add(path, message);
    if (!isPlain(this.#resolved.value)) {
      this.#add([], 'expected an object with `clients`, by name');
      return;
    }
    const { defaults = {}, clients } = this.#root;
    const own = isPlain(defaults) ? defaults : {};
    for (const key of Object.keys(this.#root))
      if (!known.includes(key) && !key.startsWith('x-')) this.#readOther(key, own);
    if (!isPlain(defaults)) this.#add(['defaults'], clientFault(defaults));
    this.#readClients(clients, own);
  }

  /** At the top of the file, where it does not belong. */
  #readOther(key: string, defaults: Record<string, unknown>): void {
    const value = this.#root[key];
    this.#add([key], topLevelFault(key, value, known), true);
    if (looksLikeClient(value)) this.#examine(`top > ${key}`, value as Record<string, unknown>, defaults, [key]);
  }

  #readClients(clients: unknown, defaults: Record<string, unknown>): void {
    const misspelt = misspeltClients(this.#root);
    const inside = clients === undefined && isPlain(defaults.clients);
    if (misspelt !== undefined) this.#readNamed(this.#root[misspelt] as Record<string, unknown>, defaults, [misspelt]);
    else if (inside) this.#readNamed(defaults.clients as Record<string, unknown>, {}, ['defaults', 'clients']);
    if (Array.isArray(clients)) this.#readList(clients, defaults);
    else if (isPlain(clients) && Object.keys(clients).length > 0) this.#readNamed(clients, defaults, ['clients']);
    else
      this.#add(
        ['clients'],
        `expected at least one client, by name${inside ? '; those inside defaults belong beside it' : ''}`,
      );
  }

  #readNamed(clients: Record<string, unknown>, defaults: Record<string, unknown>, at: Path): void {
    let before: string | undefined;
    for (const [name, own] of Object.entries(clients)) {
      if (isMisplaced(name, own, before)) this.#readMisplaced(name, own, at, before);
      else {
        this.#readClient(name, own, defaults, at);
        before = name;
      }
    }
  }

  #readList(clients: readonly unknown[], defaults: Record<string, unknown>): void {
    const example = 'write `billing:` and its options indented under it in place of `- name: billing`';
    this.#add(['clients'], `expected clients by name, not a list; ${example}`);
    for (const [index, item] of clients.entries()) {
      if (!isPlain(item)) continue;
      const { name: _, ...own } = item;
      this.#examine(`clients > ${index}`, own, defaults, ['clients', index]);
    }
  }

  /** An option in the place of a client: most likely it is not indented far enough. */
  #readMisplaced(name: string, own: unknown, at: Path, client = 'the client that it is for'): void {
    this.#add([...at, name], `is an option, not a client: indent it under ${client}`, true);
    const result = namelessSchema.safeParse({ [name]: own });
    const given = (path: Path) => valueAt({ [name]: own }, path);
    if (!result.success)
      for (const { path, message, unknown } of faultsOf(result.error, namelessSchema, given))
        if (path[0] === name) this.#add([...at, ...path], message, unknown === true);
  }

  #readClient(name: string, own: unknown, defaults: Record<string, unknown>, at: Path): void {
    const named = /^[\w./-]{1,100}$/.test(name);
    if (!named) this.#add([...at, name], 'the name of a client has letters, digits and . _ - / only', true);
    if (!isPlain(own ?? {})) this.#add([...at, name], clientFault(own, name));
    else {
      if (named) this.names.push(name);
      this.#examine(name, (own ?? {}) as Record<string, unknown>, defaults, [...at, name]);
    }
  }

  #examine(name: string, own: Record<string, unknown>, defaults: Record<string, unknown>, place?: Path): void {
    if (place !== undefined) this.#places.set(name, place);
    const options = mergedOptions(defaults, this.#withoutSections(name, own));
    if ('name' in options) this.fault(name, { path: ['name'], message: 'a client is named by its key; remove this' });
    delete options.name;
    this.#validate(name, options);
  }

  /** `false` for an optional section may come from a reference, which gives text. */
  #withoutSections(name: string, own: Record<string, unknown>): Record<string, unknown> {
    const off = optionalSections.filter((section) => own[section] === 'false' && this.referenceOf(name, [section]));
    return { ...own, ...Object.fromEntries(off.map((section) => [section, false])) };
  }

  #validate(name: string, options: Record<string, unknown>): void {
    const given = (path: Path) => (this.referenceOf(name, path) === undefined ? valueAt(options, path) : undefined);
    let result = namelessSchema.safeParse(dataOf(options));
    const referring = this.#resolved.references.size > 0;
    if (!result.success && referring && this.#readScalars(name, options, faultsOf(result.error, namelessSchema)))
      result = namelessSchema.safeParse(dataOf(options));
    if (result.success) {
      const config = dataOf({ name, ...result.data }) as Config;
      this.clients.push({ name, config });
      this.examined.push({ name, options, part: () => ({ config, without: [] }) });
      return;
    }
    const faults = faultsOf(result.error, namelessSchema, given);
    this.examined.push({ name, options, part: () => wellPart(options, faults) });
    for (const fault of faults) this.#tell(name, fault, valueAt(options, fault.path));
  }

  #tell(name: string, fault: OptionFault, value: unknown): void {
    const { path, unknown } = fault;
    const told = inContext(fault, value, unknown === true ? undefined : this.referenceOf(name, path));
    if (told === undefined) return;
    this.fault(name, told);
    const [key] = path;
    if (isNestedClient(fault, value))
      this.#examine(`${name} > ${String(key)}`, value as Record<string, unknown>, {}, [
        ...this.#placeOf(name),
        ...path,
      ]);
  }

  /** Text from a reference becomes a number or a boolean where text was not what the option takes. */
  #readScalars(name: string, options: Record<string, unknown>, faults: readonly OptionFault[]): boolean {
    const referring = faults.filter(({ path }) => this.referenceOf(name, path) !== undefined);
    return referring.map(({ path }) => putScalar(options, path)).some(Boolean);
  }
}

/** Of two paths as JSON. */
function isBelow(path: string, other: string): boolean {
  return path.startsWith(`${other.slice(0, -1)},`);
}

const known = ['defaults', 'clients', '$schema'];
