/** Parses YAML or JSON text to a plain value, and keeps the line and column of each part. */
import { isDeepStrictEqual } from 'node:util';
import type { Node, YAMLMap, YAMLSeq } from 'yaml';
import { isPlain } from '../../call/own.js';
import { yamlLibrary } from './yaml-on-demand.cjs';

/** A place in a text; both numbers count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type Path = readonly PropertyKey[];

/** A syntax error of a text, and its position. */
export interface Fault extends Position {
  readonly path: Path;
  readonly message: string;
}

/**
 * Upper bounds of a text, so that parsing cannot block the event loop: the parser takes some microseconds for each
 * sign.
 */
const bounds = { characters: 65_536, signs: 16_384, depth: 64, nodes: 20_000, faults: 50 };

/** How a text of another program is read. */
export interface ForeignText {
  /** Upper bounds in place of those of our own files. */
  readonly most: typeof bounds;
  /** Keys with this tag are left out. */
  readonly ignoredTag: string;
  /** The last of several equal keys counts, and `<<` merges maps; otherwise both are faults. */
  readonly lenient: true;
}

/** A parsed text. Without faults `value` is complete. */
export class ConfigDocument {
  readonly faults: Fault[] = [];
  readonly value: unknown;
  /** False when the text was not read to its end; its value is then incomplete and must not be validated. */
  readable = true;
  readonly #lines: Lines;
  /** The position of each path: that of its key for a map or list, else that of its value. */
  readonly #places = new Map<string, Position>();
  readonly #keys = new Map<string, Position>();
  readonly #anchors = new Map<string, { value: unknown; nodes: number }>();
  readonly #most: typeof bounds;
  readonly #reading: ForeignText | undefined;
  #nodes = 0;
  #overflown = false;

  constructor(text: string, reading?: ForeignText) {
    this.#reading = reading;
    this.#most = reading?.most ?? bounds;
    this.#lines = new Lines(text);
    const fault = tooMuch(text, this.#lines, this.#most);
    if (fault === undefined) this.value = this.#parse(text);
    else {
      this.faults.push(fault);
      this.readable = false;
    }
  }

  /** The position of a path, or of the nearest enclosing part that is in the text. */
  position(path: Path): Position {
    return this.#nearest(this.#places, path);
  }

  /** The position of the key of a path, or of the nearest enclosing key. */
  keyPosition(path: Path): Position {
    return this.#nearest(this.#keys, path);
  }

  #nearest(places: Map<string, Position>, path: Path): Position {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(keyOf(path.slice(0, length))) ?? this.#places.get(keyOf(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return { line: 1, column: 1 };
  }

  #parse(text: string): unknown {
    // The library's own check for duplicate keys takes quadratic time; `#map` checks in linear time.
    const options = { prettyErrors: false, uniqueKeys: false } as const;
    const document = withoutTraces(() => yamlLibrary().parseDocument(text, options));
    const warnings = document.warnings.filter(({ code }) => !(this.#reading && code === 'TAG_RESOLVE_FAILED'));
    for (const { message, pos } of [...document.errors, ...warnings].slice(0, this.#most.faults)) {
      const fault = { path: [], message: mergeMarker(text, pos[0]) ?? plain(message), ...this.#at(pos[0]) };
      if (!this.faults.some((each) => isDeepStrictEqual(each, fault))) this.faults.push(fault);
    }
    this.readable = this.faults.length === 0;
    return this.readable ? this.#valueOf(document.contents, []) : undefined;
  }

  #at(offset: number): Position {
    return this.#lines.position(offset);
  }

  #fault(node: Node | null | undefined, path: Path, message: string): undefined {
    if (this.faults.length < this.#most.faults) this.faults.push({ path, message, ...this.#at(node?.range?.[0] ?? 0) });
    return undefined;
  }

  /** Replaces the library's own conversion, which takes minutes for some texts of a few KiB. */
  #valueOf(node: unknown, path: Path): unknown {
    if (node === null || node === undefined) return null;
    const here = node as Node;
    if (++this.#nodes > this.#most.nodes) return this.#tooMany(here, path);
    if (path.length > this.#most.depth) {
      this.readable = false;
      return this.#fault(here, path, `is nested deeper than ${this.#most.depth} levels`);
    }
    const { isAlias, isMap, isSeq } = yamlLibrary();
    if (isAlias(node)) return this.#aliased(node.source, here, path);
    const before = this.#nodes;
    const value = isMap(node) ? this.#map(node, path) : isSeq(node) ? this.#list(node, path) : scalar(node);
    const { anchor } = here as { anchor?: string };
    if (anchor !== undefined) this.#anchors.set(anchor, { value, nodes: this.#nodes - before });
    return value;
  }

  #tooMany(node: Node, path: Path): undefined {
    if (this.#overflown) return undefined;
    this.#overflown = true;
    this.readable = false;
    return this.#fault(node, path, `has more than ${this.#most.nodes} values, including those of aliases`);
  }

  #aliased(name: string, node: Node, path: Path): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) return this.#fault(node, path, `there is no anchor &${name} before this alias`);
    this.#nodes += target.nodes;
    return this.#nodes > this.#most.nodes ? this.#tooMany(node, path) : target.value;
  }

  #list(node: YAMLSeq, path: Path): unknown[] {
    return node.items.map((item, index) => {
      this.#place([...path, index], item as Node, item as Node);
      return this.#valueOf(item, [...path, index]);
    });
  }

  #map(node: YAMLMap, path: Path): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    const merged: unknown[] = [];
    for (const { key, value } of node.items) {
      const name = yamlLibrary().isScalar(key) ? String(key.value) : undefined;
      if (name === undefined) this.#fault(key as Node, path, 'a key must be a plain word');
      else if (name === '__proto__') this.#fault(key as Node, path, `"${name}" is not allowed as a key`);
      else if (this.#reading && (key as Node & { tag?: string }).tag === this.#reading.ignoredTag)
        this.#valueOf(value, [...path, name]);
      else if (this.#reading && name === '<<') merged.push(this.#valueOf(value, [...path, name]));
      else if (!this.#reading && Object.hasOwn(map, name)) this.#fault(key as Node, [...path, name], 'is given twice');
      else {
        this.#place([...path, name], key as Node, (value ?? key) as Node);
        map[name] = this.#valueOf(value, [...path, name]);
      }
    }
    for (const each of merged.flat()) if (isPlain(each)) Object.assign(map, { ...each, ...map });
    return map;
  }

  #place(path: Path, key: Node, value: Node): void {
    const name = keyOf(path);
    this.#keys.set(name, this.#at(key?.range?.[0] ?? 0));
    const { isMap, isSeq } = yamlLibrary();
    const start = isMap(value) || isSeq(value) ? key : value;
    this.#places.set(name, this.#at(start?.range?.[0] ?? 0));
  }
}

function mergeMarker(text: string, at: number): string | undefined {
  return /^(<{7}|={7}|>{7})( |\r?\n|$)/.test(text.slice(at, at + 9))
    ? 'is a marker left from a merge conflict; remove it'
    : undefined;
}

/** Runs without stack traces, which are expensive: the library makes an Error for each fault, up to one a character. */
function withoutTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function scalar(node: unknown): unknown {
  return yamlLibrary().isScalar(node) ? node.value : null;
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}

/**
 * Checks the size of a text before it is parsed. Signs are counted in quoted text and comments too; no real
 * configuration has so many signs or open brackets.
 */
function tooMuch(text: string, lines: Lines, most: typeof bounds): Fault | undefined {
  const fault = (index: number, message: string) => ({ path: [], ...lines.position(index), message });
  if (text.length > most.characters) return fault(0, `is longer than ${most.characters} characters`);
  let depth = 0;
  let signs = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] as string;
    if (!',:\n{}[]"\'&*!?%'.includes(character)) continue;
    if (++signs > most.signs)
      return fault(index, `has more than ${most.signs} lines, commas, colons, quotes and brackets`);
    if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (depth > 2 * most.depth) return fault(index, 'opens too many brackets');
  }
  return undefined;
}

/** Converts offsets to lines and columns; the library's own count is wrong for some invalid texts. */
class Lines {
  readonly #starts = [0];
  readonly #end: number;

  constructor(text: string) {
    this.#end = text.length;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  position(offset: number): Position {
    const within = Math.min(offset, this.#end);
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= within) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: within - (this.#starts[low] ?? 0) + 1 };
  }
}

/** The library's message in lower case, or our own message where the library's uses terms of its parser. */
function plain(message: string): string {
  const [, better] = inOurWords.find(([words]) => message.startsWith(words)) ?? [];
  return better ?? message.charAt(0).toLowerCase() + message.slice(1).split('\n')[0];
}

const inOurWords: readonly (readonly [string, string])[] = [
  ['Source contains multiple documents', 'the file holds more than one YAML document'],
  ['Maximum call stack size exceeded', 'is nested too deeply'],
  ['Tabs are not allowed as indentation', 'tabs are not allowed as indentation; write spaces'],
  ['All mapping items must start at the same column', 'is indented differently from the keys around it'],
  ['Implicit map keys need to be followed by map values', 'a key needs a colon and a space after it'],
  ['Unexpected scalar at node end', 'does not belong here: look at the indentation of this line and of those before'],
  [
    'Block collections are not allowed within flow collections',
    'a comma is missing before it, or a value that holds a colon and a space needs quotes',
  ],
  ['Implicit keys need to be on a single line', 'a key needs a colon and a space after it'],
  [
    'Nested mappings are not allowed in compact mappings',
    'a value that holds a colon and a space needs quotes, and options need a line of their own',
  ],
];
