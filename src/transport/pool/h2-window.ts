/** Flow control of one HTTP/2 connection: how much a server may send ahead of the readers, and less while they lag behind. */
import type { ClientHttp2Session } from 'node:http2';

/**
 * Bytes that a server may send ahead, of one stream and of the whole connection. Node gives room back once half of it is
 * used up, so that twice the product of bandwidth and delay keeps a link busy: 24 MiB are that of 1 Gbit/s at 100 ms.
 */
export const wideWindow = 24 * 1024 * 1024;

/** The window of each stream while too much waits for its readers: that of HTTP/2 without any settings. */
export const narrowWindow = 65_535;

/** Bytes waiting for readers above which the windows become narrow, and below which they are wide again. */
const waterMarks = { narrow: 8 * 1024 * 1024, wide: 4 * 1024 * 1024 };

/**
 * Node gives the room of the whole connection back when bytes arrive, read or not: that window alone would let every
 * stream with a slow reader fill its own. So the streams' windows shrink for all while much is unread. Streams that are
 * read go on then, more slowly where the server is far away; a smaller window of the connection would stop them.
 */
export class H2Window {
  readonly #session: ClientHttp2Session;
  #unread = 0;
  #narrow = false;
  /** True until the server has acknowledged the last change. */
  #changing = false;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
    session.once('connect', () => session.setLocalWindowSize(wideWindow));
  }

  /** Counts bytes that wait for their reader; negative where they have been read or dropped. */
  waits(bytes: number): void {
    this.#unread += bytes;
    if (this.#changing || this.#narrow === this.#isTooMuch) return;
    this.#changing = true;
    // Not while the session is in the midst of what it receives.
    setImmediate(() => this.#change());
  }

  get #isTooMuch(): boolean {
    return this.#unread > (this.#narrow ? waterMarks.wide : waterMarks.narrow);
  }

  #change(): void {
    this.#changing = this.#narrow !== this.#isTooMuch && !this.#session.destroyed;
    if (!this.#changing) return;
    this.#narrow = !this.#narrow;
    this.#session.settings({ initialWindowSize: this.#narrow ? narrowWindow : wideWindow }, () => {
      this.#changing = false;
      this.waits(0);
    });
  }
}
