/** Exports metrics in the Prometheus text format 0.0.4, without an SDK. */
import { type ClientSet, clientsOf, registriesOf } from '../registry/client-set.js';
import { Series } from './counts.js';
import {
  type Counter,
  callDuration,
  counters,
  durationBuckets,
  gauges,
  registryAttributes,
  registryGauges,
} from './instruments.js';
import { measure } from './measure.js';
import type { Attributes } from './readings.js';

/** Metrics for Prometheus to scrape; `close` it when it is no longer scraped. */
export interface Prometheus {
  /** Value for the `content-type` header of the response. */
  readonly contentType: string;
  /** All present metrics in the text format. */
  text(): string;
  /** Removes the listeners from the clients and stops counting. */
  close(): void;
}

/** Counts durations by bucket; the last bucket has those above every bound. */
class Distribution {
  readonly counts = new Array<number>(durationBuckets.length + 1).fill(0);
  sum = 0;

  record(seconds: number): void {
    let bucket = 0;
    while (bucket < durationBuckets.length && seconds > (durationBuckets[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += seconds;
  }
}

/**
 * Counts the calls of clients for Prometheus to scrape: serve `text()` with `contentType`. Names follow OpenTelemetry's
 * rules for Prometheus: `pillion.client.attempts` becomes `pillion_client_attempts_total`. Clients that a later
 * configuration adds are included; the series of removed clients are dropped.
 */
export function createPrometheus(clients: ClientSet): Prometheus {
  const durations = new Series(() => new Distribution());
  const counts = new Map(counters.map((counter) => [counter, new Series(() => ({ sum: 0 }))]));
  const stop = measure(clients, [callDuration], {
    count: (counter, attributes) => {
      const counted = counts.get(counter)?.at(attributes);
      if (counted !== undefined) counted.sum++;
    },
    record: (_, seconds, attributes) => durations.at(attributes).record(seconds),
    forget: (client) => {
      for (const series of [durations, ...counts.values()]) series.forget(client);
    },
  });
  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: () => [...durationLines(durations), ...counterLines(counts), ...gaugeLines(clients)].join(''),
    close: stop,
  };
}

function durationLines(durations: Series<Distribution>): string[] {
  const name = nameOf(callDuration.name, callDuration.unit);
  const samples = [...durations].flatMap(([attributes, { counts, sum }]) => {
    let below = 0;
    const buckets = counts.map((count, index) => {
      below += count;
      return sample(`${name}_bucket`, { ...attributes, le: String(durationBuckets[index] ?? '+Inf') }, below);
    });
    return [...buckets, sample(`${name}_sum`, attributes, sum), sample(`${name}_count`, attributes, below)];
  });
  return family(name, 'histogram', callDuration.description, samples);
}

function counterLines(counts: ReadonlyMap<Counter, Series<{ sum: number }>>): string[] {
  return [...counts].flatMap(([{ name: told, unit, description }, series]) => {
    const name = `${nameOf(told, unit)}_total`;
    return family(
      name,
      'counter',
      description,
      [...series].map(([attributes, { sum }]) => sample(name, attributes, sum)),
    );
  });
}

function gaugeLines(clients: ClientSet): string[] {
  const told = [...clientsOf(clients)].map(([client, handle]) => [client, handle.stats()] as const);
  const own = gauges.flatMap(({ name: dotted, unit, description, read }) => {
    const name = nameOf(dotted, unit);
    const samples = told.flatMap(([client, stats]) =>
      read(stats).map(([value, attributes]) => sample(name, { client, ...attributes }, value)),
    );
    return family(name, 'gauge', description, samples);
  });
  const versions = [...registriesOf(clients)].map(([source, registry]) => [source, registry.stats()] as const);
  const common = registryGauges.flatMap(({ name: dotted, unit, description, monotonic, read }) => {
    const name = `${nameOf(dotted, unit)}${monotonic ? '_total' : ''}`;
    const samples = versions.map(([source, stats]) =>
      sample(name, registryAttributes(source, versions.length), read(stats)),
    );
    return family(name, monotonic ? 'counter' : 'gauge', description, samples);
  });
  return [...own, ...common];
}

/** The lines of one metric family; none for a family without samples. */
function family(name: string, type: string, description: string, samples: readonly string[]): string[] {
  if (samples.length === 0) return [];
  return [`# HELP ${name} ${escaped(description, /[\\\n]/g)}\n`, `# TYPE ${name} ${type}\n`, ...samples];
}

function sample(name: string, attributes: Attributes, value: number): string {
  const labels = Object.entries(attributes).map(([label, text]) => `${plain(label)}="${escaped(text, /[\\\n"]/g)}"`);
  return `${name}${labels.length > 0 ? `{${labels.join(',')}}` : ''} ${value}\n`;
}

/** The Prometheus name. Seconds are appended as a unit; units in braces, such as `{call}`, are not. */
function nameOf(name: string, unit: string): string {
  return `${plain(name)}${unit === 's' ? '_seconds' : ''}`;
}

function plain(name: string): string {
  return name.replace(/\W/g, '_');
}

function escaped(text: string | number, special: RegExp): string {
  return String(text).replace(special, (each) => (each === '\n' ? '\\n' : `\\${each}`));
}
