/** Sends snapshots as server-sent events, one a second; without open streams nothing is measured. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { notAllowed, type Sent, setHeaders } from './respond.js';
import type { Watcher } from './snapshot.js';

/** Most open streams at once; each open page uses one. */
const maxWatchers = 16;
const interval = 1000;
/**
 * After this many snapshots that could not be written, a stream is destroyed: its connection may be dead without a
 * close.
 */
const maxMissed = 30;

/** All open event streams, which share one watcher and one timer. */
export class EventStream {
  readonly #open: () => Watcher;
  /** Open streams, and how many snapshots in a row each has missed. */
  readonly #missed = new Map<ServerResponse, number>();
  #watcher: Watcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #latest: string | undefined;

  /** `open` is called when the first stream is opened. */
  constructor(open: () => Watcher) {
    this.#open = open;
  }

  /** Opens a stream and returns undefined, or returns the answer that rejects it. */
  answer(request: IncomingMessage, response: ServerResponse): Sent | undefined {
    if (request.method !== 'GET') return notAllowed(['GET']);
    if (this.#missed.size >= maxWatchers)
      return {
        status: 503,
        body: { error: `There are already ${maxWatchers} event streams, the most allowed; close another page.` },
      };
    this.#watcher ??= this.#open();
    // All streams share one snapshot, because taking one resets the time over which rates are measured.
    this.#latest ??= this.#event();
    this.#timer ??= setInterval(() => this.#tell(), interval).unref();
    this.#missed.set(response, 0);
    response.once('close', () => this.#remove(response));
    setHeaders(response);
    // These headers keep proxies and compression from buffering events.
    const headers = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' };
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...headers });
    response.write(this.#latest);
    return undefined;
  }

  #tell(): void {
    this.#latest = this.#event();
    for (const [response, missed] of this.#missed) {
      // A slow reader misses snapshots, so that its buffer does not grow.
      const full = response.writableNeedDrain;
      if (!full) response.write(this.#latest);
      else if (missed >= maxMissed) response.destroy();
      this.#missed.set(response, full ? missed + 1 : 0);
    }
  }

  /** A user's policy may throw in `stats()`, which must not end the process: an SSE comment keeps the stream alive. */
  #event(): string {
    try {
      return `data: ${JSON.stringify(this.#watcher?.take())}\n\n`;
    } catch {
      return ': no snapshot\n\n';
    }
  }

  #remove(response: ServerResponse): void {
    this.#missed.delete(response);
    if (this.#missed.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#watcher?.stop();
    this.#watcher = undefined;
    this.#latest = undefined;
  }

  close(): void {
    for (const response of this.#missed.keys()) {
      response.end();
      this.#remove(response);
    }
  }
}
