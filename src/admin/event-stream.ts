/** Sends snapshots as server-sent events, one a second; without open streams none is taken. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { closeSession, isClosing, isHttp2, type ListeningServer, listenerOf } from './closing.js';
import { notAllowed, type Sent, setHeaders } from './respond.js';
import type { Watcher } from './snapshot.js';

/** Most open streams at once; each open page uses one. */
const maxWatchers = 16;
/** How often open streams are looked at, in milliseconds: a server that closes waits for them. */
const interval = 250;
/** A snapshot is sent every so many times. */
const perSnapshot = 4;
/**
 * After this many snapshots that could not be written, a stream is destroyed: its connection may be dead without a
 * close.
 */
const maxMissed = 30;

/** One open stream. */
interface Open {
  readonly request: IncomingMessage;
  readonly server: ListeningServer | undefined;
  /** How many snapshots in a row could not be written. */
  missed: number;
}

/** All open event streams, which share each snapshot and one timer. */
export class EventStream {
  readonly #watcher: Pick<Watcher, 'take' | 'over'>;
  readonly #open = new Map<ServerResponse, Open>();
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #latest: string | undefined;

  constructor(watcher: Pick<Watcher, 'take' | 'over'>) {
    this.#watcher = watcher;
  }

  /** Opens a stream and returns undefined, or returns the answer that rejects it. */
  answer(request: IncomingMessage, response: ServerResponse): Sent | undefined {
    if (request.method !== 'GET') return notAllowed(['GET']);
    if (this.#open.size >= maxWatchers)
      return unavailable(`There are already ${maxWatchers} event streams, the most allowed; close another page.`);
    const server = listenerOf(request);
    // A page reconnects when its stream has ended, maybe by a connection that it still has.
    if (isClosing(server)) return unavailable('The server is closing.');
    if (this.#isOver()) return unavailable('All clients are closed.');
    this.#latest ??= this.#event();
    this.#timer ??= setInterval(() => this.#tick(), interval).unref();
    this.#open.set(response, { request, server, missed: 0 });
    response.once('close', () => this.#remove(response));
    setHeaders(request, response);
    // These headers keep proxies and compression from buffering events.
    const headers = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' };
    // Otherwise the connection would stay open after the stream, and a server that closes would wait for it too.
    const last = isHttp2(request) ? {} : { connection: 'close' };
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...headers, ...last });
    response.write(this.#latest);
    return undefined;
  }

  #tick(): void {
    this.#ticks = (this.#ticks + 1) % perSnapshot;
    const due = this.#ticks === 0;
    const over = due && this.#isOver();
    if (due && !over) this.#latest = this.#event();
    for (const [response, stream] of this.#open) {
      if (over || response.writableEnded || isClosing(stream.server)) end(response, stream);
      else if (due) this.#tell(response, stream);
    }
  }

  #tell(response: ServerResponse, stream: Open): void {
    // A slow reader misses snapshots, so that its buffer does not grow.
    const full = isFull(response);
    if (!full) response.write(this.#latest);
    else if (stream.missed >= maxMissed) response.destroy();
    stream.missed = full ? stream.missed + 1 : 0;
  }

  /** A user's policy may throw in `stats()`, which must not end the process: an SSE comment keeps the stream alive. */
  #event(): string {
    try {
      return `data: ${JSON.stringify(this.#watcher.take())}\n\n`;
    } catch {
      return ': no snapshot\n\n';
    }
  }

  #isOver(): boolean {
    try {
      return this.#watcher.over;
    } catch {
      return false;
    }
  }

  #remove(response: ServerResponse): void {
    this.#open.delete(response);
    this.#rest();
  }

  /** Takes no snapshot while no stream is open. */
  #rest(): void {
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#ticks = 0;
    this.#latest = undefined;
  }

  close(): void {
    for (const [response, stream] of this.#open) end(response, stream);
  }
}

/** Ends a stream; one that had been ended before is destroyed, because its reader does not take what is left. */
function end(response: ServerResponse, { request, server }: Open): void {
  if (response.writableEnded) response.destroy();
  else response.end();
  if (isHttp2(request) && isClosing(server)) closeSession(request);
}

/** A response of HTTP/2 does not have `writableNeedDrain`, but its stream has. */
function isFull(response: ServerResponse & { stream?: Writable }): boolean {
  return response.writableNeedDrain ?? response.stream?.writableNeedDrain ?? false;
}

function unavailable(error: string): Sent {
  return { status: 503, body: { error } };
}
