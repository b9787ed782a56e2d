/** What a call wants done with it stands in its path; what reached the server is held against it. */
import { fault, pattern } from '../pattern.mjs';

export const pathOf = (asked) => `/${Buffer.from(JSON.stringify(asked)).toString('base64url')}`;

const readPath = (path) => JSON.parse(Buffer.from(path.slice(1), 'base64url').toString());

/** How often each request reached the application. A request that is refused before that is none. */
export class Reception {
  #attempts = new Map();
  #served = new Map();

  /** The request, with the fault that this attempt meets. */
  arrived({ method, path, headers }) {
    const asked = readPath(path);
    const attempt = (this.#attempts.get(asked.key) ?? 0) + 1;
    this.#attempts.set(asked.key, attempt);
    return new Arrived({ method, headers, asked, fault: attempt <= asked.times ? asked.fault : 'none' });
  }

  /** A POST without a key may be served once; a redirect leads to another key. */
  served({ method, headers, asked }) {
    if (method !== 'POST' || headers['idempotency-key'] !== undefined) return;
    this.#served.set(asked.key, (this.#served.get(asked.key) ?? 0) + 1);
  }

  /** Keys of what was served more than once. */
  doubled() {
    return [...this.#served].filter(([, count]) => count > 1).map(([key]) => key);
  }
}

class Arrived {
  #chunks = [];

  constructor(facts) {
    Object.assign(this, facts);
  }

  take(chunk) {
    this.#chunks.push(chunk);
  }

  /** What the answer tells of the request's body: whether it came whole, and whose it was. */
  get received() {
    const { nonce, upload } = this.asked;
    const bytes = Buffer.concat(this.#chunks);
    // Forms have their own frame around it; the server needs to see no more than the content.
    if (upload.framed) return bytes.includes(pattern(nonce, upload.size)) ? 'whole' : 'form without its content';
    const wrong = fault(bytes, upload.nonce ?? nonce, upload.size);
    return wrong === undefined ? 'whole' : `${wrong.kind}: ${wrong.detail}`;
  }
}
