/** What is on the heap, by constructor: bytes and number, code and its feedback aside, which come and go with the compiler. */
import { readFileSync } from 'node:fs';

const ofCompiler = new Set(['code', 'hidden', 'object shape', 'synthetic']);
const named = new Set(['object', 'native', 'closure']);

/** Of a snapshot in a file. In another process than the one it is of, as it takes much more than what it counts. */
export function heapCensus(file) {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, 'utf8'));
  const fields = snapshot.meta.node_fields;
  const types = snapshot.meta.node_types[0];
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const found = new Map();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[nodes[at + type]];
    if (ofCompiler.has(kind)) continue;
    const key = named.has(kind) || kind === 'array' ? `${kind} ${strings[nodes[at + name]].slice(0, 60)}` : `(${kind})`;
    const entry = found.get(key) ?? { count: 0, bytes: 0 };
    entry.count++;
    entry.bytes += nodes[at + size];
    found.set(key, entry);
  }
  return found;
}

export const bytesOf = (census) => [...census.values()].reduce((sum, { bytes }) => sum + bytes, 0);

/** The constructor whose objects have grown most in bytes; undefined where none has grown. */
export function grownMost(before, after) {
  return [...after]
    .map(([name, { count, bytes }]) => ({
      name,
      count: count - (before.get(name)?.count ?? 0),
      bytes: bytes - (before.get(name)?.bytes ?? 0),
    }))
    .filter(({ count, bytes }) => count > 0 || bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)[0];
}
