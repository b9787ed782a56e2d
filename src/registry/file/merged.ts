/** Merges `defaults` under the options of one client. */

import { isPlain } from '../../call/own.js';
import { optionalSections } from '../../client/config/config.js';

/** Copies all objects, because references are converted in place and must not change the options of another client. */
export function mergedOptions(
  defaults: Record<string, unknown>,
  own: Record<string, unknown>,
): Record<string, unknown> {
  const merged = merge(defaults, own);
  if (isPlain(defaults.headers) && isPlain(own.headers)) merged.headers = mergedHeaders(defaults.headers, own.headers);
  for (const section of optionalSections()) if (own[section] === false) delete merged[section];
  return merged;
}

function merge(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(under), ...Object.keys(over)])) {
    const [below, above] = [under[key], over[key]];
    if (!Object.hasOwn(over, key)) merged[key] = copyOf(below);
    else merged[key] = isPlain(below) && isPlain(above) ? merge(below, above) : copyOf(above);
  }
  return merged;
}

/** Header names are compared without case. */
function mergedHeaders(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const taken = new Set(Object.keys(over).map((name) => name.toLowerCase()));
  const kept = Object.entries(under).filter(([name]) => !taken.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...over };
}

/** A deep copy of plain data. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  return isPlain(value) ? merge(value, {}) : value;
}
