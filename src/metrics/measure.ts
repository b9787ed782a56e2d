/** Subscribes to the events of clients and passes counts and durations to an exporter. */

import type { ClientEventName } from '../call/events.js';
import type { CallView } from '../call/record.js';
import type { ClientHandle } from '../client/http-client.js';
import { type ClientSet, followClients } from '../registry/client-set.js';
import { type Counter, counters, type Histogram } from './instruments.js';
import type { Attributes } from './readings.js';

/** An exporter's side: receives what is counted and recorded. */
export interface Sink {
  /** Adds 1, or 0 for a series that has to be there from the start. */
  count(counter: Counter, attributes: Attributes, by: 0 | 1): void;
  /** `call` may have a span, whose ids make an exemplar. */
  record(histogram: Histogram, seconds: number, attributes: Attributes, call: CallView): void;
  /** Called when a client was removed, so that its series can be dropped. */
  forget(client: string): void;
}

/** Measures all clients, and those a later configuration adds, until the function returned is called. */
export function measure(clients: ClientSet, histograms: readonly Histogram[], sink: Sink): () => void {
  return followClients(clients, (client, name) => {
    for (const counter of counters) if (counter.fromZero) sink.count(counter, { client: name }, 0);
    const stops = [...counting(client, name, sink), ...recording(client, name, histograms, sink)];
    return () => {
      for (const stop of stops) stop();
      sink.forget(name);
    };
  });
}

function counting(handle: ClientHandle, client: string, sink: Sink): (() => void)[] {
  return counters.flatMap((counter) =>
    Object.entries(counter.events).map(([event, attributes]) =>
      handle.on(event as ClientEventName, (told) =>
        sink.count(counter, { client, ...(attributes as (told: unknown) => Attributes)(told) }, 1),
      ),
    ),
  );
}

function recording(handle: ClientHandle, client: string, histograms: readonly Histogram[], sink: Sink): (() => void)[] {
  return histograms.map((histogram) => {
    const own = histogram.standard ? {} : { client };
    return handle.on(histogram.event, (told) =>
      sink.record(histogram, told.durationMs / 1000, { ...own, ...histogram.attributes(told) }, told.call),
    );
  });
}
