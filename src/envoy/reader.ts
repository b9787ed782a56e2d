/** Reads an Envoy document part by part and records which parts were read, so that the report covers every part. */

import { isPlain } from '../call/own.js';
import type { ConfigDocument, Path, Position } from '../registry/file/document.js';
import type { ReportLine, ReportStatus } from './report.js';

/** A client being built; its name is set last, and the report reads it from here. */
export interface Draft {
  name: string;
  /** True when no client was made; its lines are then left out of the report. */
  dropped?: boolean;
  /** Where the options of a route stand in a client with several: `routes.0`. */
  place?: string;
  /** The draft of the client that has the options of this one. */
  within?: Draft;
}

/** The option of a client that a part is mapped to. */
interface Target {
  readonly draft: Draft;
  readonly option: string;
}

interface Entry {
  readonly status: ReportStatus;
  readonly path: Path;
  readonly target: Target | undefined;
  readonly note: string | undefined;
  /** The client without which the line says nothing. */
  readonly draft?: Draft | undefined;
}

/** The whole document, and the report on it. */
export class EnvoyFile {
  readonly root: Reader;
  readonly #document: ConfigDocument;
  readonly #place: (place: Position) => Position;
  readonly #entries: Entry[] = [];
  /** Parts that were asked for by name. A part that nobody asked for always gets a line of its own. */
  readonly #asked = new Set<string>();
  /** Parts that a line covers, or that need no line, together with the inner parts that were asked for. */
  readonly #covered = new Set<string>();
  /** Parts that one line covers whole, whether their inner parts were asked for or not. */
  readonly #whole = new Set<string>();
  readonly #faulty = new Set<string>();
  /** Parts of which nothing becomes a client, for a reason that lies outside of them. */
  readonly #left = new Set<string>();
  /** True when the file has fields of Envoy's API of 2020 (v2). */
  isOld = false;

  /** `place` converts a position in the document to one in the file, where the document is a part of a manifest. */
  constructor(document: ConfigDocument, place: (place: Position) => Position = (same) => same) {
    this.#document = document;
    this.#place = place;
    this.root = new Reader(this, document.value, []);
    this.ask([]);
  }

  ask(path: Path): void {
    this.#asked.add(keyOf(path));
  }

  isAsked(path: Path): boolean {
    return this.#asked.has(keyOf(path));
  }

  /** Adds a line. It covers the part and what was read of it; `unmapped` and `error` cover all of it. */
  tell(status: ReportStatus, path: Path, target?: Target, note?: string, remark = false): void {
    if (status === 'error') this.#faulty.add(keyOf(path));
    if (!remark) (status === 'unmapped' || status === 'error' ? this.#whole : this.#covered).add(keyOf(path));
    this.#entries.push({ status, path, target, note });
  }

  warn(path: Path, note: string, draft: Draft | undefined): void {
    this.#entries.push({ status: 'warning', path, target: undefined, note, draft });
  }

  /** Leaves out the lines that say that an inner part is not mapped. */
  leave(path: Path): void {
    this.#left.add(keyOf(path));
  }

  /** Marks a part as read without a line of its own; `whole` includes the inner parts that nobody asked for. */
  cover(path: Path, whole = false): void {
    (whole ? this.#whole : this.#covered).add(keyOf(path));
  }

  /** True when a part, or an inner part of it, has a value that Envoy refuses or that cannot be mapped safely. */
  isFaulty(path: Path): boolean {
    const key = keyOf(path);
    const below = `${key.slice(0, -1)},`;
    return [...this.#faulty].some((each) => each === key || each.startsWith(below));
  }

  /** The parts below `path` that nobody asked for, or that were read but have no line. */
  unread(value: unknown, path: Path, outer = false): Path[] {
    const key = keyOf(path);
    if (this.#whole.has(key)) return [];
    const covered = outer || this.#covered.has(key);
    const inner: [PropertyKey, unknown][] = Array.isArray(value)
      ? [...value.entries()]
      : isPlain(value)
        ? Object.entries(value)
        : [];
    const entered = covered || inner.some(([name]) => this.#asked.has(keyOf([...path, name])));
    if (!this.#asked.has(key) || !entered) return [path];
    return inner.flatMap(([name, part]) => this.unread(part, [...path, name], covered));
  }

  /** One line for each part, in the order of the file; parts that were not read are `unmapped`. */
  report(): ReportLine[] {
    if (this.isOld)
      this.root.warn(
        "parts of the file are written for Envoy's API of 2020 (v2), which Envoy no longer accepts: what could be read is mapped",
      );
    for (const path of this.unread(this.root.value, []))
      this.tell('unmapped', path, undefined, 'not taken over: the import does not know this field');
    const differences = new Set(
      this.#entries.flatMap(({ status, path, target }) =>
        status === 'difference' && target ? keyOf([...path, targetOf(target)]) : [],
      ),
    );
    const lines = this.#entries
      .filter(
        (entry) =>
          !isDropped(entry.draft ?? entry.target?.draft) &&
          !this.#isCorrected(entry, differences) &&
          !(entry.status === 'unmapped' && this.#isLeft(entry.path)),
      )
      .map((entry) => this.#line(entry));
    const unique = new Map(lines.map((line) => [JSON.stringify(line), line]));
    return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  }

  #isLeft(path: Path): boolean {
    return path.some((_, length) => this.#left.has(keyOf(path.slice(0, length))));
  }

  /** An error on a part replaces the line that says how the part was mapped, and a difference replaces `exact`. */
  #isCorrected({ status, path, target }: Entry, differences: ReadonlySet<string>): boolean {
    if (target === undefined || status === 'warning') return false;
    return this.#faulty.has(keyOf(path)) || (status === 'exact' && differences.has(keyOf([...path, targetOf(target)])));
  }

  #line({ status, path, target, note }: Entry): ReportLine {
    return {
      status,
      from: written(path),
      ...this.#place(this.#document.keyPosition(path)),
      ...(target && { to: targetOf(target) }),
      ...(note !== undefined && { note }),
    };
  }
}

/** One part of the document, with methods to read it and to add lines about it to the report. */
export class Reader {
  readonly file: EnvoyFile;
  readonly value: unknown;
  readonly path: Path;

  constructor(file: EnvoyFile, value: unknown, path: Path) {
    this.file = file;
    this.value = value;
    this.path = path;
  }

  /**
   * A part by its name in Envoy's documentation; the JSON spelling (`connectTimeout`) is found too. `null` and an empty
   * list are the same as a part that is not set.
   */
  get(name: string): Reader | undefined {
    if (!isPlain(this.value)) return this.fault('is not an object');
    const keys = [name, camelCase(name)];
    const key = Object.keys(this.value).findLast((each) => keys.includes(each));
    if (key === undefined) return undefined;
    const part = this.#inner(this.value, key);
    const empty = part.value === null || (Array.isArray(part.value) && part.value.length === 0);
    if (!empty) return part;
    part.structure();
    return undefined;
  }

  #inner(holder: Readonly<Record<PropertyKey, unknown>>, key: PropertyKey): Reader {
    const path = [...this.path, key];
    this.file.ask(path);
    return new Reader(this.file, holder[key], path);
  }

  /** A nested part: `at('common_tls_context', 'validation_context')`. */
  at(...names: string[]): Reader | undefined {
    return names.reduce<Reader | undefined>((here, name) => here?.get(name), this);
  }

  /** The items of the list with this name; empty if there is none. */
  list(name: string): Reader[] {
    const list = this.get(name);
    return list === undefined ? [] : list.items();
  }

  /** The items of a list. A single value in place of a list is a list of one item, as in Protobuf's JSON. */
  items(): Reader[] {
    const list = this.value;
    if (!Array.isArray(list)) return [this];
    return list.map((_, index) => this.#inner(list as unknown as Record<PropertyKey, unknown>, index));
  }

  /** The values of a map by their keys, such as those of `filter_metadata`. */
  entries(): [string, Reader][] {
    if (!isPlain(this.value)) return [];
    const map = this.value;
    return Object.keys(map).map((key) => [key, this.#inner(map, key)]);
  }

  /** The text of an inner part, such as a name, that is covered without a line of its own. */
  name(name: string): string | undefined {
    const part = this.get(name)?.structure();
    return part?.text();
  }

  /** A value of Protobuf's wrapper types may be written as `{ value: 7 }`. */
  #unwrapped<T>(empty: T): unknown {
    if (!isPlain(this.value)) return this.value;
    const names = Object.keys(this.value);
    if (names.length === 0) return empty;
    if (names.length > 1 || names[0] !== 'value') return this.value;
    const { value } = this.#inner(this.value, 'value');
    return value ?? empty;
  }

  /** Its text, in which `${` is written as `$${`: in our files `${NAME}` is a reference, in Envoy's it is just text. */
  text(): string | undefined {
    const text = this.#unwrapped('');
    return typeof text === 'string' ? escaped(text) : this.fault('is not text; it may need quotes');
  }

  /** A number, also one written as text: Protobuf's JSON writes 64-bit numbers as strings. */
  number(): number | undefined {
    const value = this.#unwrapped(0);
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : this.fault('is not a number');
  }

  /** A whole number that is not negative. */
  count(): number | undefined {
    const number = this.number();
    if (number === undefined || (Number.isInteger(number) && number >= 0)) return number;
    return this.fault('is not a whole number of 0 or more');
  }

  boolean(): boolean | undefined {
    const value = this.#unwrapped(false);
    if (typeof value === 'boolean') return value;
    if (typeof value === 'string' && /^(true|yes|y|on|false|no|n|off)$/i.test(value)) return /^(t|y|on)/i.test(value);
    return this.fault('is neither true nor false');
  }

  /** One of the names of an enumeration, written in any case or as the number of its place in `names`. */
  enum<Name extends string>(names: readonly Name[]): Name | undefined {
    const { value } = this;
    const numbered = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));
    const name = numbered
      ? names[Number(value)]
      : names.find((each) => typeof value === 'string' && each.toUpperCase() === value.toUpperCase());
    return name ?? this.fault(`is none of ${names.filter(Boolean).join(', ')}`);
  }

  /** Milliseconds of a Protobuf duration: `0.25s`, or `{ seconds: 1, nanos: 500000000 }`. */
  duration(): number | undefined {
    const { value } = this;
    if (isPlain(value)) {
      const [seconds, nanos] = [this.get('seconds')?.count() ?? 0, this.get('nanos')?.count() ?? 0];
      return seconds * 1000 + Math.round(nanos / 1000) / 1000;
    }
    const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(typeof value === 'string' ? value : '') ?? [];
    if (seconds === undefined) return this.fault('is not a duration such as 0.25s');
    return Math.round(Number(seconds) * 1e6) / 1000;
  }

  /** A duration as an option is written; one that is out of range is moved to the nearest end, with a line. */
  spelled(draft: Draft, option: string, { least = 1, most = longest }: { least?: number; most?: number } = {}) {
    const ms = this.duration();
    if (ms === undefined) return undefined;
    const within = Math.min(most, Math.max(least, ms));
    if (within !== ms) this.remark(draft, option, `${spelledDuration(within)} is the nearest value allowed here`);
    return spelledDuration(within);
  }

  /** A whole number as an option is written; one that is out of range is moved to the nearest end, with a line. */
  bounded(draft: Draft, option: string, least: number, most = 4_294_967_295): number | undefined {
    const number = this.count();
    if (number === undefined) return undefined;
    const within = Math.min(most, Math.max(least, number));
    if (within !== number) this.remark(draft, option, `${within} is the nearest value allowed here`);
    return within;
  }

  /**
   * Its message type without the package, such as `HttpConnectionManager`, and its fields. An extension of the API of
   * 2020 has its fields in `config` and no type.
   */
  extension(): { type: string | undefined; fields: Reader | undefined } {
    const fields = this.get('typed_config');
    if (fields === undefined) {
      const old = this.get('config');
      if (old !== undefined) this.file.isOld = true;
      return { type: undefined, fields: old };
    }
    const type = fields.type();
    if (type !== 'TypedStruct') return { type, fields };
    return { type: lastWord(fields.name('type_url')), fields: fields.get('value') };
  }

  /** Its message type without the package: `HttpConnectionManager`. */
  type(): string | undefined {
    const type = this.name('@type');
    if (type !== undefined && /\.v2(alpha\d*)?\./.test(type)) this.file.isOld = true;
    return lastWord(type);
  }

  /** Marks the part as read; it needs no line. */
  structure(): this {
    this.file.cover(this.path);
    return this;
  }

  /** The next line about the part covers all of it, because none of its inner parts changes a call. */
  whole(): this {
    this.file.cover(this.path, true);
    return this;
  }

  /** Reports a value that Envoy would refuse, or that cannot be mapped without a loss of protection. */
  fault(note: string): undefined {
    this.file.tell('error', this.path, undefined, note);
    return undefined;
  }

  /** Says once of the whole part that no client was made of it; errors on its inner parts have lines of their own. */
  refuse(note: string): void {
    this.whole().fault(note);
  }

  /** True when an inner part other than its name and type was asked for. */
  isRead(): boolean {
    const names = isPlain(this.value) ? Object.keys(this.value) : [];
    return names.some((name) => name !== 'name' && name !== '@type' && this.file.isAsked([...this.path, name]));
  }

  /** True when the part, or a part inside it, was reported by `fault`. */
  isFaulty(): boolean {
    return this.file.isFaulty(this.path);
  }

  /** Reports the part as mapped to `option` with the same effect. */
  exact(draft: Draft, option: string, note?: string): void {
    this.file.tell('exact', this.path, { draft, option }, note);
  }

  /** Reports that the part has no effect here, and had none in Envoy either. */
  unused(draft: Draft | undefined, note: string): void {
    this.whole();
    this.file.tell('exact', this.path, draft && { draft, option: '' }, `not used, as in Envoy: ${note}`);
  }

  /** Reports the part as mapped to `option` with the difference in `note`. */
  differs(draft: Draft | undefined, option: string, note: string): void {
    this.file.tell('difference', this.path, draft && { draft, option }, note);
  }

  /** Reports a difference caused by a missing inner part; the part itself still has to be read. */
  remark(draft: Draft, option: string, note: string): void {
    this.file.tell('difference', this.path, { draft, option }, note, true);
  }

  /** Reports the part as not mapped; `note` is what to do instead. */
  unmapped(note: string): void {
    this.file.tell('unmapped', this.path, undefined, note);
  }

  /** Reports that nothing becomes of the part, for a reason outside of it: lines about inner parts are left out. */
  leave(note: string): void {
    this.file.leave(this.path);
    this.unmapped(note);
  }

  /** Reports a weakness of the sidecar's configuration; with `draft` only if that becomes a client. */
  warn(note: string, draft?: Draft): void {
    this.file.warn(this.path, note, draft);
  }
}

function lastWord(type: string | undefined): string | undefined {
  return type?.split(/[./]/).at(-1);
}

/** The longest duration that an option accepts. */
export const longest = 24 * 60 * 60 * 1000;

function isDropped(draft: Draft | undefined): boolean {
  return draft !== undefined && (draft.dropped === true || isDropped(draft.within));
}

/** The draft of the client that the options of `draft` became a part of. */
function clientOf(draft: Draft): Draft {
  return draft.within === undefined ? draft : clientOf(draft.within);
}

function targetOf({ draft, option }: Target): string {
  const place = draft.place !== undefined && ofRoutes.test(option) ? `.${draft.place}` : '';
  return `clients.${clientOf(draft).name}${place}${option === '' ? '' : `.${option}`}`;
}

/** Options that an entry of `routes` can have. */
const ofRoutes =
  /^(match|directResponse|pathRewrite|requestHeaders|timeouts\.(total|attempt|idle)|retry(?!\.(budget|maxConcurrentRetries)))(\.|$)/;

function camelCase(name: string): string {
  return name.replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}

function written(path: Path): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '') || '(the file)';
}

/** Milliseconds as a duration of a configuration file: `250ms`, `1.5s`. */
export function spelledDuration(ms: number): string {
  return ms >= 1000 ? `${ms / 1000}s` : `${ms}ms`;
}

/** The name of a client as the beginning of the name of an environment variable. */
export function environmentName(name: string): string {
  return name
    .replace(/\W+/g, '_')
    .toUpperCase()
    .replace(/^(?=\d)/, '_');
}

/** An option with its name, where it has a value. */
export function given(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value };
}

/** Text of Envoy's file as a value of ours, where `${` would begin a reference. */
export function escaped(text: string): string {
  return text.replaceAll('${', () => '$${');
}

/** Text as it stands in Envoy's file: `Reader.text` escapes it, which is right for values of our files only. */
export function plain(text: string): string {
  return text.replaceAll('$${', () => '${');
}
