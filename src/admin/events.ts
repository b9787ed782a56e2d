/** Snapshots as server-sent events: one a second while somebody watches, nothing at all otherwise. */
import type { ServerResponse } from 'node:http';
import type { Snapshot, Watcher } from './snapshot.js';

/** Watchers at once; a page that is open uses one. */
const maxWatchers = 16;
const interval = 1000;

export class EventStream {
  readonly #open: () => Watcher;
  readonly #responses = new Set<ServerResponse>();
  #watcher: Watcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #latest: string | undefined;

  /** `open` is called when the first comes. */
  constructor(open: () => Watcher) {
    this.#open = open;
  }

  get full(): boolean {
    return this.#responses.size >= maxWatchers;
  }

  add(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    this.#responses.add(response);
    response.once('close', () => this.#remove(response));
    this.#watcher ??= this.#open();
    this.#timer ??= setInterval(() => this.#tell(), interval).unref();
    // Not a snapshot of its own: rates are over the time between two.
    this.#latest ??= eventOf(this.#watcher.take());
    response.write(this.#latest);
  }

  #tell(): void {
    if (this.#watcher === undefined) return;
    const event = eventOf(this.#watcher.take());
    this.#latest = event;
    // Who reads slowly gets fewer, and no buffer grows.
    for (const response of this.#responses) if (!response.writableNeedDrain) response.write(event);
  }

  #remove(response: ServerResponse): void {
    this.#responses.delete(response);
    if (this.#responses.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#watcher?.stop();
    this.#watcher = undefined;
    this.#latest = undefined;
  }

  close(): void {
    for (const response of this.#responses) {
      response.end();
      this.#remove(response);
    }
  }
}

function eventOf(snapshot: Snapshot): string {
  return `data: ${JSON.stringify(snapshot)}\n\n`;
}
