/** Snapshots as server-sent events: one a second while somebody watches, nothing at all otherwise. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { notAllowed, type Sent, setHeaders } from './respond.js';
import type { Watcher } from './snapshot.js';

/** Watchers at once; a page that is open uses one. */
const maxWatchers = 16;
const interval = 1000;
/** Snapshots in a row that one may be too slow for: a connection that has died without a word takes up no place for ever. */
const maxMissed = 30;

export class EventStream {
  readonly #open: () => Watcher;
  /** Who watches, and how many snapshots each missed in a row. */
  readonly #missed = new Map<ServerResponse, number>();
  #watcher: Watcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #latest: string | undefined;

  /** `open` is called when the first comes. */
  constructor(open: () => Watcher) {
    this.#open = open;
  }

  /** Why not; undefined for one who watches from now on. */
  answer(request: IncomingMessage, response: ServerResponse): Sent | undefined {
    if (request.method !== 'GET') return notAllowed(['GET']);
    if (this.#missed.size >= maxWatchers) return { status: 503, body: { error: `${maxWatchers} watch already.` } };
    this.#watcher ??= this.#open();
    // Not a snapshot of its own: rates are over the time between two.
    this.#latest ??= this.#event();
    this.#timer ??= setInterval(() => this.#tell(), interval).unref();
    this.#missed.set(response, 0);
    response.once('close', () => this.#remove(response));
    setHeaders(response);
    // Proxies and compression would hold events back.
    const headers = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' };
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...headers });
    response.write(this.#latest);
    return undefined;
  }

  #tell(): void {
    this.#latest = this.#event();
    for (const [response, missed] of this.#missed) {
      // Who reads slowly gets fewer, and no buffer grows.
      const full = response.writableNeedDrain;
      if (!full) response.write(this.#latest);
      else if (missed >= maxMissed) response.destroy();
      this.#missed.set(response, full ? missed + 1 : 0);
    }
  }

  /** A policy of the user's whose stats throw must not end the process: a comment keeps the connection. */
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
