/** Listens to clients and tells a sink of what is to be counted and recorded. */

import type { ClientEventName } from '../call/events.js';
import type { ClientHandle } from '../client/client.js';
import { type ClientSet, followClients } from '../registry/client-set.js';
import { type Counter, counters, type Histogram } from './instruments.js';
import type { Attributes } from './readings.js';

export interface Sink {
  count(counter: Counter, attributes: Attributes): void;
  record(histogram: Histogram, seconds: number, attributes: Attributes): void;
  /** A client has gone. */
  forget(client: string): void;
}

/** Until the function returned is called; clients that come later are listened to as well. */
export function measure(clients: ClientSet, histograms: readonly Histogram[], sink: Sink): () => void {
  return followClients(clients, (client, name) => {
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
        sink.count(counter, { client, ...(attributes as (told: unknown) => Attributes)(told) }),
      ),
    ),
  );
}

function recording(handle: ClientHandle, client: string, histograms: readonly Histogram[], sink: Sink): (() => void)[] {
  return histograms.map((histogram) => {
    const own = histogram.standard ? {} : { client };
    return handle.on(histogram.event, (told) =>
      sink.record(histogram, told.durationMs / 1000, { ...own, ...histogram.attributes(told) }),
    );
  });
}
