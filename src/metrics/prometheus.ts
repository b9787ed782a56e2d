/** Exports metrics in the text format of Prometheus or in that of OpenMetrics, without an SDK. */
import type { CallView } from '../call/record.js';
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
  /** Value for the `content-type` header of a response with `text()`. */
  readonly contentType: string;
  /** All present metrics in the text format of Prometheus, 0.0.4, which every scraper reads. */
  text(): string;
  /**
   * All present metrics in the format that suits the `accept` header of a request: OpenMetrics 1.0 for a scraper that
   * asks for it, as Prometheus does, else the same as `text()`. OpenMetrics has exemplars: with an OpenTelemetry SDK
   * registered, each bucket of durations names the trace of the last sampled call in it.
   */
  scrape(accept?: string): { contentType: string; text: string };
  /** Removes the listeners from the clients and stops counting. */
  close(): void;
}

type Format = 'text' | 'openmetrics';

const contentTypes: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** A call that stands for its bucket, by the ids of its span. */
interface Exemplar {
  readonly traceId: string;
  readonly spanId: string | undefined;
  readonly seconds: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Counts durations by bucket; the last bucket has those above every bound. */
class Distribution {
  readonly counts = new Array<number>(durationBuckets.length + 1).fill(0);
  /** Of each bucket the last call whose trace is kept. */
  readonly exemplars: (Exemplar | undefined)[] = [];
  sum = 0;

  record(seconds: number, { traceId, spanId, traceSampled }: CallView): void {
    let bucket = 0;
    while (bucket < durationBuckets.length && seconds > (durationBuckets[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += seconds;
    if (traceSampled && traceId !== undefined) this.exemplars[bucket] = { traceId, spanId, seconds, at: Date.now() };
  }
}

/**
 * Counts the calls of clients for Prometheus to scrape: serve what `scrape` returns. Names follow OpenTelemetry's
 * rules for Prometheus: `pillion.client.attempts` becomes `pillion_client_attempts_total`. Clients that a later
 * configuration adds are included; the series of removed clients are dropped.
 */
export function createPrometheus(clients: ClientSet): Prometheus {
  const durations = new Series(() => new Distribution());
  const counts = new Map(counters.map((counter) => [counter, new Series(() => ({ sum: 0 }))]));
  const stop = measure(clients, [callDuration], {
    count: (counter, attributes, by) => {
      const counted = counts.get(counter)?.at(attributes);
      if (counted !== undefined) counted.sum += by;
    },
    record: (_, seconds, attributes, call) => durations.at(attributes).record(seconds, call),
    forget: (client) => {
      for (const series of [durations, ...counts.values()]) series.forget(client);
    },
  });
  const render = (format: Format) => {
    const families = [durationFamily(durations, format), ...counterFamilies(counts), ...gaugeFamilies(clients)];
    const text = families.map((family) => rendered(family, format)).join('');
    return format === 'openmetrics' ? `${text}# EOF\n` : text;
  };
  return {
    contentType: contentTypes.text,
    text: () => render('text'),
    scrape: (accept) => {
      const format = formatFor(accept);
      return { contentType: contentTypes[format], text: render(format) };
    },
    close: stop,
  };
}

/** A metric family; `samples` are its finished lines. */
interface Family {
  readonly instrument: { readonly name: string; readonly unit: string; readonly description: string };
  readonly type: 'histogram' | 'counter' | 'gauge';
  readonly samples: readonly string[];
}

function durationFamily(durations: Series<Distribution>, format: Format): Family {
  const name = nameOf(callDuration);
  const samples = [...durations].flatMap(([attributes, { counts, exemplars, sum }]) => {
    let below = 0;
    const buckets = counts.map((count, index) => {
      below += count;
      const le = boundOf(index, format);
      const line = sample(`${name}_bucket`, { ...attributes, le }, below);
      const exemplar = format === 'openmetrics' ? exemplars[index] : undefined;
      return exemplar === undefined ? line : line.replace('\n', ` ${shownExemplar(exemplar)}\n`);
    });
    return [...buckets, sample(`${name}_sum`, attributes, sum), sample(`${name}_count`, attributes, below)];
  });
  return { instrument: callDuration, type: 'histogram', samples };
}

/** The upper bound of a bucket; OpenMetrics writes it as a float, `1.0`. */
function boundOf(index: number, format: Format): string {
  const bound = durationBuckets[index];
  if (bound === undefined) return '+Inf';
  return format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function shownExemplar({ traceId, spanId, seconds, at }: Exemplar): string {
  const labels = spanId === undefined ? `trace_id="${traceId}"` : `trace_id="${traceId}",span_id="${spanId}"`;
  return `# {${labels}} ${seconds} ${at / 1000}`;
}

function counterFamilies(counts: ReadonlyMap<Counter, Series<{ sum: number }>>): Family[] {
  return [...counts].map(([instrument, series]) => {
    const name = `${nameOf(instrument)}_total`;
    const samples = [...series].map(([attributes, { sum }]) => sample(name, attributes, sum));
    return { instrument, type: 'counter', samples };
  });
}

function gaugeFamilies(clients: ClientSet): Family[] {
  const told = [...clientsOf(clients)].map(([client, handle]) => [client, handle.stats()] as const);
  const own = gauges.map((instrument): Family => {
    const samples = told.flatMap(([client, stats]) =>
      instrument.read(stats).map(([value, attributes]) => sample(nameOf(instrument), { client, ...attributes }, value)),
    );
    return { instrument, type: 'gauge', samples };
  });
  const versions = [...registriesOf(clients)].map(([source, registry]) => [source, registry.stats()] as const);
  const common = registryGauges.map((instrument): Family => {
    const name = `${nameOf(instrument)}${instrument.monotonic ? '_total' : ''}`;
    const samples = versions.map(([source, stats]) =>
      sample(name, registryAttributes(source, versions.length), instrument.read(stats)),
    );
    return { instrument, type: instrument.monotonic ? 'counter' : 'gauge', samples };
  });
  return [...own, ...common];
}

/** The lines of a family; none for one without samples. In OpenMetrics a family of counters has no `_total`. */
function rendered({ instrument, type, samples }: Family, format: Format): string {
  if (samples.length === 0) return '';
  const openMetrics = format === 'openmetrics';
  const name = `${nameOf(instrument)}${type === 'counter' && !openMetrics ? '_total' : ''}`;
  const help = escaped(instrument.description, openMetrics ? /[\\\n"]/g : /[\\\n]/g);
  const unit = openMetrics && instrument.unit === 's' ? `# UNIT ${name} seconds\n` : '';
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${unit}${samples.join('')}`;
}

function sample(name: string, attributes: Attributes, value: number): string {
  const labels = Object.entries(attributes).map(([label, text]) => `${plain(label)}="${escaped(text, /[\\\n"]/g)}"`);
  return `${name}${labels.length > 0 ? `{${labels.join(',')}}` : ''} ${value}\n`;
}

/** OpenMetrics where the header names it and does not prefer the other format. */
function formatFor(accept = ''): Format {
  const ranges = accept.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()));
  const quality = (type: string) => {
    const [, ...parameters] = ranges.find(([name]) => name === type) ?? [type, 'q=0'];
    const weight = parameters.find((each) => each.startsWith('q='));
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0;
  };
  const openMetrics = quality('application/openmetrics-text');
  return openMetrics > 0 && openMetrics >= quality('text/plain') ? 'openmetrics' : 'text';
}

/** The Prometheus name. Seconds are appended as a unit; units in braces, such as `{call}`, are not. */
function nameOf({ name, unit }: { readonly name: string; readonly unit: string }): string {
  return `${plain(name)}${unit === 's' ? '_seconds' : ''}`;
}

function plain(name: string): string {
  return name.replace(/\W/g, '_');
}

function escaped(text: string | number, special: RegExp): string {
  return String(text).replace(special, (each) => (each === '\n' ? '\\n' : `\\${each}`));
}
