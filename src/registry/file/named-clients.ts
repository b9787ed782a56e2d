/**
 * Parses a configuration into named clients: merges `defaults` under each, and reports every fault with its position.
 */
import { isDeepStrictEqual } from 'node:util';
import { dataOf, isPlain } from '../../call/own.js';
import { type Config, namelessSchema, optionalSections } from '../../client/config/config.js';
import { faultsOf, type OptionFault, shownPath, valueAt } from '../../options/options.js';
import { materialFaults } from '../../transport/tls/material-faults.js';
import { type ConfigFault, inOrder, spelled, textFaults } from './config-faults.js';
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
  putScalar,
  type Reference,
  type Resolved,
  referencesIn,
  resolveReferences,
  type Surroundings,
} from './references.js';
import { type WellPart, wellPart } from './well.js';

/** A client and its validated configuration. */
export interface NamedClient {
  readonly name: string;
  readonly config: Config;
}

/** A client of the file, with or without faults. */
export interface ExaminedClient {
  readonly name: string;
  /** Merged with the defaults and with references resolved, but not validated. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The valid part of its configuration; undefined if too much is invalid. */
  part(): WellPart | undefined;
}

type ValidClients = Map<string, { readonly options: object; readonly config: Config }>;

/** The clients and faults of a configuration, given as text or as an object. */
export class ParsedClients {
  /** Clients without faults. */
  readonly clients: NamedClient[] = [];
  /** Names of all clients under `clients`, also of those with faults. */
  readonly names: string[] = [];
  /** Every client, also those with faults or in the wrong place. */
  readonly examined: ExaminedClient[] = [];
  /** The path in the file of each examined client, which may be misplaced. */
  readonly #places = new Map<string, Path>();
  readonly #faults: ConfigFault[] = [];
  readonly #file: string;
  readonly #document: ConfigDocument | undefined;
  readonly #resolved: Resolved;
  readonly #root: Record<string, unknown>;
  /** Only while this version is read, or each would hold all that came before. */
  #before: ValidClients | undefined;
  /** Clients that are valid as they are spelled: the next version need not validate them again. */
  readonly #valid: ValidClients = new Map();

  /** `before` is an earlier version; a client that is the same in both keeps its validated configuration, the same object. */
  constructor(input: ConfigDocument | object, file: string, surroundings: Surroundings, before?: ParsedClients) {
    this.#file = file;
    if (before !== undefined) this.#before = before.#valid;
    this.#document = input instanceof ConfigDocument ? input : undefined;
    this.#resolved = resolveReferences(this.#document ? this.#document.value : input, surroundings);
    this.#root = isPlain(this.#resolved.value) ? this.#resolved.value : {};
    if (this.#document !== undefined) this.#faults.push(...textFaults(this.#document, file));
    if (this.#document?.readable !== false) this.#read();
    this.#before = undefined;
  }

  /** All faults, in the order of the file. */
  get faults(): readonly ConfigFault[] {
    return inOrder(this.#faults);
  }

  /** Paths of the files that `${file:…}` references name. */
  get files(): readonly string[] {
    return this.#resolved.files;
  }

  /** Adds a fault of one client that was found after parsing, such as an unreadable certificate. */
  fault(client: string, { path, message, unknown }: OptionFault): void {
    this.#add(this.originOf(client, path), this.#withoutValues(client, path, message), unknown === true);
  }

  /** Messages about certificates quote file paths. A path that came from a reference is replaced by that reference. */
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

  /** Returns a fault with its position, without adding it to `faults`. */
  located(client: string, { path, message }: OptionFault): ConfigFault {
    return this.#located(this.originOf(client, path), message, false);
  }

  /**
   * The path in the file that sets an option of a client: under the client or under `defaults`. If neither sets it, the
   * nearest enclosing part that is set.
   */
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

  /** Whether exactly this option is set under the client or under `defaults`; undefined if under neither. */
  says(client: string, path: Path): 'clients' | 'defaults' | undefined {
    if (this.#says(['clients', client, ...path])) return 'clients';
    return this.#says(['defaults', ...path]) ? 'defaults' : undefined;
  }

  /** The reference that gave an option its value, if there is one. */
  referenceOf(client: string, path: Path): Reference | undefined {
    return this.#resolved.references.get(JSON.stringify(this.originOf(client, path)));
  }

  /** True when an option, or a part of it, is a reference that was not resolved (`--no-env`, `--no-files`). */
  #isOpen(client: string, path: Path): boolean {
    return this.#hasReference(client, path, ({ open }) => open);
  }

  #hasReference(client: string, path: Path, test: (reference: Reference) => boolean): boolean {
    const start = JSON.stringify(this.originOf(client, path)).slice(0, -1);
    const references = [...this.#resolved.references];
    return references.some(([at, each]) => test(each) && (at === `${start}]` || at.startsWith(`${start},`)));
  }

  /**
   * True when an option, a part of it or an enclosing part came from a reference. A number or boolean from an
   * environment variable is not secret; any value from a file is.
   */
  isSecret(client: string, path: Path, value: unknown): boolean {
    const isText = typeof value !== 'number' && typeof value !== 'boolean';
    const own = JSON.stringify(this.originOf(client, path));
    return [...this.#resolved.references].some(
      ([at, { secret }]) => (secret || isText) && (at === own || isBelow(at, own) || isBelow(own, at)),
    );
  }

  /** Reads the certificates and keys of all clients, and adds their faults. */
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

  /**
   * Adds a fault once: a fault in `defaults` would otherwise be reported for each client. A path that already has a
   * syntax fault gets no second fault for its value.
   */
  #add(path: Path, message: string, atKey = false): void {
    const fault = this.#located(path, message, atKey);
    const known = (each: ConfigFault) => spelled(each) === spelled(fault);
    const unreadable = this.#document?.faults.some((each) => shownPath(each.path) === fault.path) === true;
    if (!unreadable && !this.#faults.some(known)) this.#faults.push(fault);
  }

  #read(): void {
    for (const { path, message } of this.#resolved.faults) this.#add(path, message);
    if (!isPlain(this.#resolved.value)) {
      this.#add([], 'expected an object with `clients`: a map of clients by name');
      return;
    }
    const { defaults = {}, clients } = this.#root;
    const own = isPlain(defaults) ? defaults : {};
    for (const key of Object.keys(this.#root))
      if (!known.includes(key) && !key.startsWith('x-')) this.#readOther(key, own);
    if (!isPlain(defaults)) this.#add(['defaults'], clientFault(defaults));
    this.#readClients(clients, own);
  }

  /** Reports an unknown key at the top of the file; if its value looks like a client, the client is examined too. */
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
        `expected at least one client, by name${inside ? '; move the clients out of defaults, beside it' : ''}`,
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

  /** Reports an option in the place of a client; most likely it is not indented far enough. */
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
    if (!named)
      this.#add(
        [...at, name],
        'the name of a client may only have letters, digits and . _ - / (at most 100 characters)',
        true,
      );
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

  /** Reads the text `'false'` of an optional section as `false`, because a reference resolves to text. */
  #withoutSections(name: string, own: Record<string, unknown>): Record<string, unknown> {
    const off = optionalSections().filter((section) => own[section] === 'false' && this.referenceOf(name, [section]));
    return { ...own, ...Object.fromEntries(off.map((section) => [section, false])) };
  }

  #validate(name: string, options: Record<string, unknown>): void {
    const earlier = this.#before?.get(name);
    if (earlier !== undefined && isDeepStrictEqual(earlier.options, options)) {
      this.#valid.set(name, earlier);
      this.#accept(name, options, earlier.config);
      return;
    }
    const given = (path: Path) => (this.referenceOf(name, path) === undefined ? valueAt(options, path) : undefined);
    let result = namelessSchema.safeParse(dataOf(options));
    const asSpelled = result.success;
    const referring = this.#resolved.references.size > 0;
    if (!result.success && referring && this.#readScalars(name, options, faultsOf(result.error, namelessSchema)))
      result = namelessSchema.safeParse(dataOf(options));
    if (result.success) {
      const config = dataOf({ name, ...result.data }) as Config;
      if (asSpelled) this.#valid.set(name, { options, config });
      this.#accept(name, options, config);
      return;
    }
    const faults = faultsOf(result.error, namelessSchema, given);
    this.examined.push({ name, options, part: () => wellPart(options, faults) });
    for (const fault of faults) this.#tell(name, fault, valueAt(options, fault.path));
  }

  #accept(name: string, options: Record<string, unknown>, config: Config): void {
    this.clients.push({ name, config });
    this.examined.push({ name, options, part: () => ({ config, without: [] }) });
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

  /** Converts text from a reference to a number or boolean where the option does not take text. */
  #readScalars(name: string, options: Record<string, unknown>, faults: readonly OptionFault[]): boolean {
    const referring = faults.filter(({ path }) => this.referenceOf(name, path) !== undefined);
    return referring.map(({ path }) => putScalar(options, path)).some(Boolean);
  }
}

/** True when `path` lies below `other`; both are JSON of a path. */
function isBelow(path: string, other: string): boolean {
  return path.startsWith(`${other.slice(0, -1)},`);
}

const known = ['defaults', 'clients', '$schema'];
