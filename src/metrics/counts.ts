/** Values by their set of attributes, with a bound on the number of sets. */
import type { Attributes } from './readings.js';

/**
 * Most sets of attributes of one metric; further sets share one `otel.metric.overflow` set, as in OpenTelemetry's SDK.
 */
const maxSets = 1000;
const overflow: Attributes = { 'otel.metric.overflow': 'true' };

/** One value for each set of attributes, made on first use. */
export class Series<Value> {
  readonly #make: () => Value;
  readonly #values = new Map<string, { readonly attributes: Attributes; readonly value: Value }>();

  constructor(make: () => Value) {
    this.#make = make;
  }

  at(attributes: Attributes): Value {
    const key = keyOf(attributes);
    const found = this.#values.get(key);
    if (found !== undefined) return found.value;
    if (this.#values.size >= maxSets && attributes !== overflow) return this.at(overflow);
    const value = this.#make();
    this.#values.set(key, { attributes, value });
    return value;
  }

  /** Removes the values of a client that was removed. */
  forget(client: string): void {
    for (const [key, { attributes }] of this.#values) if (attributes.client === client) this.#values.delete(key);
  }

  *[Symbol.iterator](): Iterator<[Attributes, Value]> {
    for (const { attributes, value } of this.#values.values()) yield [attributes, value];
  }
}

function keyOf(attributes: Attributes): string {
  let key = '';
  for (const name in attributes) key += `${name}\u0000${attributes[name]}\u0000`;
  return key;
}
