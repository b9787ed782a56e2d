/** HTTP/1.1 as the upstream needs it: finds where requests end, by length or by chunks, and keeps nothing of their bodies. */

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

/** Reads what comes from one connection; calls `onRequest` with the path of each request that has arrived to its end. */
export class RequestReader {
  #pending = Buffer.alloc(0);
  #skip = 0;
  #chunked = false;
  #path;
  #onRequest;

  constructor(onRequest) {
    this.#onRequest = onRequest;
  }

  feed(chunk) {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#step());
  }

  /** Takes one part off the front; false where it is not complete. */
  #step() {
    if (this.#skip > 0) return this.#skipBody();
    if (this.#path === undefined) return this.#readHead();
    return this.#chunked ? this.#readChunkSize() : this.#end();
  }

  #take(length) {
    this.#pending = this.#pending.subarray(length);
    return true;
  }

  #skipBody() {
    const length = Math.min(this.#skip, this.#pending.length);
    this.#skip -= length;
    this.#take(length);
    return this.#skip === 0;
  }

  #readHead() {
    const end = this.#pending.indexOf(headEnd);
    if (end < 0) return false;
    const head = this.#pending.latin1Slice(0, end);
    this.#path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
    this.#chunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    this.#skip = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    return this.#take(end + headEnd.length);
  }

  #readChunkSize() {
    const end = this.#pending.indexOf(lineEnd);
    if (end < 0) return false;
    const size = Number.parseInt(this.#pending.latin1Slice(0, end), 16);
    if (size > 0) this.#skip = size + lineEnd.length;
    else if (this.#pending.length < end + headEnd.length) return false;
    this.#take(size > 0 ? end + lineEnd.length : end + headEnd.length);
    return size > 0 || this.#end();
  }

  #end() {
    const path = this.#path;
    this.#path = undefined;
    this.#chunked = false;
    this.#onRequest(path);
    return true;
  }
}
