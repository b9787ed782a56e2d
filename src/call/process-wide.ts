/**
 * State that exists once in a process, though this library may be loaded twice: as an ES module and as CommonJS. Without it a
 * client of one build would be unknown to the admin page, the metrics and the error classes of the other.
 */
import { version } from './version.js';

/** By version, because another version may keep other things under the same name. */
const key = Symbol.for(`pillion@${version}`);

/** The value that the build loaded first has created under this name. */
export function processWide<T>(name: string, create: () => T): T {
  const shared = sharedMap();
  if (!shared.has(name)) shared.set(name, create());
  return shared.get(name) as T;
}

function sharedMap(): Map<string, unknown> {
  const holder = globalThis as { [key]?: Map<string, unknown> };
  if (Object.hasOwn(holder, key)) return holder[key] as Map<string, unknown>;
  const value = new Map<string, unknown>();
  Object.defineProperty(holder, key, { value });
  return value;
}
