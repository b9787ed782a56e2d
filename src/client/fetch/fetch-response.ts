/** Converts a response of the stack into a WHATWG `Response`. */
import { types } from 'node:util';
import { discard, isStream, isWebStream } from '../../call/body.js';
import type { Response as Answer } from '../../call/message.js';
import { resolveUrl } from '../../call/url.js';
import { type Asked, fetchError } from './fetch-request.js';

/** Statuses that never have a body. */
const empty = new Set([101, 204, 205, 304]);

/** The request, and whether a redirect was followed. */
type Followed = Asked & { readonly redirected: boolean };

/**
 * Makes the `Response` of a `fetch` call.
 * @throws TypeError for a redirect where `redirect` is "error"
 */
export function responseFrom(answer: Answer, asked: Followed): globalThis.Response {
  const { status, statusText } = answer;
  if (asked.redirect === 'error' && isRedirect(answer)) {
    discard(answer);
    throw new TypeError(`The server answered with a redirect (${status}), and the option redirect is "error".`);
  }
  const body = asked.method === 'HEAD' || empty.has(status) ? null : bodyOf(answer.data, asked.signal);
  if (body === null && isStream(answer.data)) answer.data.resume();
  else if (body === null) discard(answer);
  const standard = status >= 200 && status <= 599;
  const init = { status: standard ? status : 200, statusText: plain(statusText), headers: headersOf(answer) };
  const facts = { url: urlOf(answer), redirected: asked.redirected, ...(!standard && { status, ok: false }) };
  return described(new Response(body, init), facts);
}

function isRedirect({ status, headers }: Answer): boolean {
  return [301, 302, 303, 307, 308].includes(status) && headers.location !== undefined;
}

/** Sets `url`, `redirected` and `type`, which a constructed `Response` lacks, and makes its clones keep them. */
function described(response: globalThis.Response, facts: Partial<globalThis.Response>): globalThis.Response {
  const clone = () => described(Response.prototype.clone.call(response), facts);
  for (const [name, value] of Object.entries({ type: 'basic', ...facts, clone }))
    Object.defineProperty(response, name, valued(value));
  return response;
}

/** Without a prototype, because a polluted one could turn the property into a getter. */
function valued(value: unknown): PropertyDescriptor {
  return { __proto__: null, value, configurable: true } as PropertyDescriptor;
}

function headersOf({ headers }: Answer): Headers {
  // Only Set-Cookie has a list as its value.
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => [name, each] as const));
  const told = lines.filter(([, value]) => value !== undefined && value !== null);
  return new Headers(told.map(([name, value]) => [name, String(value)]));
}

/** Removes the characters of a reason phrase that `Response` rejects. */
function plain(statusText: string | undefined): string {
  return (statusText ?? '').replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

/**
 * Converts any body that an axios adapter may return: a Node or web stream, bytes, text, or data that is already
 * parsed.
 */
function bodyOf(data: unknown, signal: AbortSignal | undefined): ReadableStream<Uint8Array> | null {
  if (data === undefined || data === null) return null;
  if (isStream(data)) return byteStream(data[Symbol.asyncIterator](), () => discard({ data } as Answer), signal);
  if (isWebStream(data)) {
    const chunks = data[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    return byteStream(chunks, () => chunks.return?.(), signal);
  }
  return new Response(isBodyInit(data) ? data : JSON.stringify(data)).body;
}

function isBodyInit(data: unknown): data is string | ArrayBuffer | Blob {
  return typeof data === 'string' || ArrayBuffer.isView(data) || types.isArrayBuffer(data) || data instanceof Blob;
}

/** A byte stream like that of fetch; cancelling it destroys the source, which releases the socket. */
function byteStream(
  chunks: AsyncIterator<Uint8Array | string>,
  abandon: () => unknown,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const bytes = await nextOf(chunks, signal);
      if (bytes !== undefined) return controller.enqueue(bytes);
      controller.close();
      // A reader with its own buffer (BYOB) would wait for ever without this response.
      controller.byobRequest?.respond(0);
    },
    cancel: () => void abandon(),
  });
}

/** Copies the next bytes, because the stream transfers their buffer to the reader; undefined at the end. */
async function nextOf(
  chunks: AsyncIterator<Uint8Array | string>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (signal?.aborted) throw signal.reason;
  try {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) return undefined;
      // A byte stream rejects empty chunks.
      if (value.length > 0) return new Uint8Array(typeof value === 'string' ? Buffer.from(value) : value);
    }
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    // The message of Node's own fetch, by which libraries know a failure of the network.
    throw fetchError('terminated', cause);
  }
}

/** The URL of the response, after redirects if the wire reports them, without fragment and credentials. */
function urlOf({ request, config }: Answer): string {
  const sent = (request as { res?: { responseUrl?: string } } | undefined)?.res?.responseUrl;
  const url = new URL(sent ?? resolveUrl(config).href);
  url.hash = '';
  return url.href;
}
