/** Exports metrics through `@opentelemetry/api` to the SDK that the application has registered. */
import type {
  BatchObservableResult,
  Context,
  Histogram as Instrument,
  MeterProvider,
  Observable,
} from '@opentelemetry/api';
import { openTelemetry } from '../call/on-demand.cjs';
import type { CallView } from '../call/record.js';
import { version } from '../call/version.js';
import { type ClientSet, clientsOf, registriesOf } from '../registry/client-set.js';
import { Series } from './counts.js';
import {
  callDuration,
  counters,
  durationBuckets,
  gauges,
  type Histogram,
  registryAttributes,
  registryGauges,
  requestDuration,
} from './instruments.js';
import { measure } from './measure.js';

/** Options of `recordMetrics`. */
export interface RecordMetricsOptions {
  /** The meter provider to use. Default: the one registered globally with OpenTelemetry. */
  meterProvider?: MeterProvider;
  /**
   * Also record `http.client.request.duration` of the HTTP semantic conventions for each attempt. Default: false,
   * because the auto-instrumentation of http and undici records it too, even when its spans are suppressed, and would
   * count twice.
   */
  requestDuration?: boolean;
}

/**
 * Records metrics of clients until the function returned is called, including clients that a later configuration adds.
 * Gauges are read from `stats()` when the SDK collects, so they cost a call nothing; a call costs one histogram record
 * and one sum.
 */
export function recordMetrics(clients: ClientSet, options: RecordMetricsOptions = {}): () => void {
  const meter = (options.meterProvider ?? openTelemetry().metrics).getMeter('pillion', version);
  const histograms = options.requestDuration ? [callDuration, requestDuration] : [callDuration];
  const instruments = new Map<Histogram, Instrument>();
  for (const histogram of histograms) {
    const { name, unit, description } = histogram;
    const advice = { explicitBucketBoundaries: durationBuckets };
    instruments.set(histogram, meter.createHistogram(name, { unit, description, advice }));
  }
  const counts = new Map(counters.map((counter) => [counter, new Series(() => ({ sum: 0 }))]));
  const stops = [
    measure(clients, histograms, {
      count: (counter, attributes, by) => {
        const counted = counts.get(counter)?.at(attributes);
        if (counted !== undefined) counted.sum += by;
      },
      record: (histogram, seconds, attributes, call) =>
        instruments.get(histogram)?.record(seconds, attributes, contextOf(call)),
      forget: (client) => {
        for (const series of counts.values()) series.forget(client);
      },
    }),
  ];
  const observe = (made: readonly Observable[], callback: (result: BatchObservableResult) => void) => {
    meter.addBatchObservableCallback(callback, [...made]);
    stops.push(() => meter.removeBatchObservableCallback(callback, [...made]));
  };
  const sums = [...counts].map(([{ name, unit, description }, series]) => {
    return [meter.createObservableCounter(name, { unit, description }), series] as const;
  });
  observe(madeOf(sums), (result) => {
    for (const [made, series] of sums)
      for (const [attributes, { sum }] of series) result.observe(made, sum, attributes);
  });
  const states = gauges.map(({ name, unit, description, read }) => {
    return [meter.createObservableGauge(name, { unit, description }), read] as const;
  });
  // One callback for all gauges, so that `stats()` of each client is called once a collection.
  observe(madeOf(states), (result) => {
    for (const [client, handle] of clientsOf(clients)) {
      const stats = handle.stats();
      for (const [made, read] of states)
        for (const [value, attributes] of read(stats)) result.observe(made, value, { client, ...attributes });
    }
  });
  if (registriesOf(clients).size > 0) {
    const versions = registryGauges.map(({ name, unit, description, monotonic, read }) => {
      const create = monotonic ? meter.createObservableCounter : meter.createObservableGauge;
      return [create.call(meter, name, { unit, description }), read] as const;
    });
    observe(madeOf(versions), (result) => {
      const registries = registriesOf(clients);
      for (const [source, registry] of registries) {
        const stats = registry.stats();
        const attributes = registryAttributes(source, registries.size);
        for (const [made, read] of versions) result.observe(made, read(stats), attributes);
      }
    });
  }
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

/** The context of the call's span, from which an SDK takes exemplars: the call has ended, and the active span is another. */
function contextOf({ traceId, spanId, traceSampled }: CallView): Context | undefined {
  if (traceId === undefined || spanId === undefined) return undefined;
  const { context, TraceFlags, trace } = openTelemetry();
  const traceFlags = traceSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(context.active(), { traceId, spanId, traceFlags });
}

function madeOf(pairs: readonly (readonly [Observable, unknown])[]): Observable[] {
  return pairs.map(([made]) => made);
}
