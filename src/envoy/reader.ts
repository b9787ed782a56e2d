/** Reads an Envoy document part by part and records which parts were read, so that the report covers every part. */

import { isPlain } from '../call/own.js';
import type { ConfigDocument, Path } from '../registry/file/document.js';
import type { ReportLine, ReportStatus } from './report.js';

/** A client being built; its name is set last, and the report reads it from here. */
export interface Draft {
  name: string;
  /** True when no client was made; its lines are then left out of the report. */
  dropped?: boolean;
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
}

/** The whole document, and the report on it. */
export class EnvoyFile {
  readonly root: Reader;
  readonly #document: ConfigDocument;
  readonly #entries: Entry[] = [];
  /** Parts that a line of the report covers, or that need no line. */
  readonly #covered = new Set<string>();
  /** Parts whose inner parts are read one by one. */
  readonly #entered = new Set<string>();

  constructor(document: ConfigDocument) {
    this.#document = document;
    this.root = new Reader(this, document.value, []);
  }

  /** Adds a line, which covers the part with all its inner parts, unless it is a remark or a warning. */
  tell(status: ReportStatus, path: Path, target?: Target, note?: string, remark = status === 'warning'): void {
    if (!remark) this.cover(path);
    this.#entries.push({ status, path, target, note });
  }

  /** Marks a part as read without a line of its own. */
  cover(path: Path): void {
    this.#covered.add(keyOf(path));
  }

  /** Marks a part as read by its inner parts; unread ones are reported as `unmapped`. */
  enter(path: Path): void {
    this.#entered.add(keyOf(path));
  }

  /** One line for each part, in the order of the file; parts that were not read are `unmapped`. */
  report(): ReportLine[] {
    this.#addUnread(this.root.value, []);
    const lines = this.#entries.filter(({ target }) => !target?.draft.dropped).map((entry) => this.#line(entry));
    const unique = new Map(lines.map((line) => [JSON.stringify(line), line]));
    return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  }

  #line({ status, path, target, note }: Entry): ReportLine {
    return {
      status,
      from: written(path),
      ...this.#document.keyPosition(path),
      ...(target && { to: `clients.${target.draft.name}${target.option === '' ? '' : `.${target.option}`}` }),
      ...(note !== undefined && { note }),
    };
  }

  #addUnread(value: unknown, path: Path): void {
    if (this.#covered.has(keyOf(path))) return;
    const holds = Array.isArray(value) || isPlain(value);
    if (!holds || !this.#entered.has(keyOf(path))) {
      this.tell('unmapped', path, undefined, 'there is no counterpart');
      return;
    }
    if (Array.isArray(value)) for (const [index, inner] of value.entries()) this.#addUnread(inner, [...path, index]);
    else for (const [key, inner] of Object.entries(value)) this.#addUnread(inner, [...path, key]);
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

  /** A part by its name in Envoy's documentation; the JSON spelling (`connectTimeout`) is found too. */
  get(name: string): Reader | undefined {
    if (!isPlain(this.value)) return undefined;
    this.file.enter(this.path);
    const key = [name, camelCase(name)].find((each) => Object.hasOwn(this.value as object, each));
    return key === undefined ? undefined : new Reader(this.file, this.value[key], [...this.path, key]);
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

  items(): Reader[] {
    if (!Array.isArray(this.value)) return [];
    this.file.enter(this.path);
    return this.value.map((item, index) => new Reader(this.file, item, [...this.path, index]));
  }

  /** The text of an inner part, such as a name, that is covered without a line of its own. */
  name(name: string): string | undefined {
    const part = this.get(name)?.structure();
    return part?.text();
  }

  text(): string | undefined {
    return typeof this.value === 'string' ? this.value : undefined;
  }

  /** A number, also one written as text: Protobuf's JSON writes 64-bit numbers as strings. */
  number(): number | undefined {
    const number = typeof this.value === 'string' && this.value !== '' ? Number(this.value) : this.value;
    return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
  }

  /** Milliseconds of a Protobuf duration such as `0.25s`. */
  duration(): number | undefined {
    const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(this.text() ?? '') ?? [];
    return seconds === undefined ? undefined : Math.round(Number(seconds) * 1e6) / 1000;
  }

  /** Its message type without the package: `HttpConnectionManager`. */
  type(): string | undefined {
    return this.name('@type')?.split(/[./]/).at(-1);
  }

  /** Marks the part as read; it needs no line. */
  structure(): this {
    this.file.cover(this.path);
    return this;
  }

  /** Reports the part as mapped to `option` with the same effect. */
  exact(draft: Draft, option: string, note?: string): void {
    this.file.tell('exact', this.path, { draft, option }, note);
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

  /** Reports a weakness of the sidecar's configuration. */
  warn(note: string): void {
    this.file.tell('warning', this.path, undefined, note);
  }
}

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
