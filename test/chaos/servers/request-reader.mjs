/** HTTP/1.1 requests off one connection, told piece by piece: an answer may be due before the body has come. */

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

export class RequestReader {
  #pending = Buffer.alloc(0);
  #tell;
  /** Bytes of the body, or of the present chunk, that are still to come. */
  #left = 0;
  #state = 'head';
  #chunked = false;

  /** `tell` has `head({ method, path, headers })`, `data(chunk)` and `end()`. */
  constructor(tell) {
    this.#tell = tell;
  }

  feed(chunk) {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#step());
  }

  #step() {
    if (this.#state === 'head') return this.#readHead();
    if (this.#state === 'size') return this.#readSize();
    if (this.#state === 'last') return this.#readUntil(lineEnd, () => this.#end());
    if (this.#left === 0) return this.#chunked ? this.#readUntil(lineEnd, () => this.#to('size')) : this.#end();
    if (this.#pending.length === 0) return false;
    const piece = this.#take(Math.min(this.#left, this.#pending.length));
    this.#left -= piece.length;
    this.#tell.data(piece);
    return true;
  }

  #readHead() {
    return this.#readUntil(headEnd, (text) => {
      const [line, ...rest] = text.split('\r\n');
      const [method, path] = line.split(' ');
      const headers = Object.fromEntries(rest.map(fieldOf));
      this.#chunked = headers['transfer-encoding'] === 'chunked';
      this.#left = Number(headers['content-length'] ?? 0);
      this.#to(this.#chunked ? 'size' : 'body');
      this.#tell.head({ method, path, headers });
    });
  }

  #readSize() {
    return this.#readUntil(lineEnd, (text) => {
      this.#left = Number.parseInt(text, 16);
      this.#to(this.#left === 0 ? 'last' : 'body');
    });
  }

  #readUntil(mark, then) {
    const end = this.#pending.indexOf(mark);
    if (end < 0) return false;
    then(this.#take(end + mark.length).latin1Slice(0, end));
    return true;
  }

  #end() {
    this.#to('head');
    this.#tell.end();
    return this.#pending.length > 0;
  }

  #to(state) {
    this.#state = state;
  }

  #take(length) {
    const taken = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return taken;
  }
}

function fieldOf(line) {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
