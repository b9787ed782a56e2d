/** An answer of the stack as a WHATWG `Response`. */
import { discard, isStream, isWebStream } from '../../call/body.js';
import type { Response as Answer } from '../../call/message.js';
import { resolveUrl } from '../../call/url.js';
import type { Asked } from './request.js';

/** Statuses that never have a body. */
const empty = new Set([101, 204, 205, 304]);

/** A redirect may have been followed on the way. */
type Followed = Asked & { readonly redirected: boolean };

/** @throws TypeError for a redirect where `redirect` is "error" */
export function responseFrom(answer: Answer, asked: Followed): globalThis.Response {
  const { status, statusText } = answer;
  if (asked.redirect === 'error' && isRedirect(answer)) {
    discard(answer);
    throw new TypeError(`The upstream redirects (${status}), and redirect is "error".`);
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

/** A constructed `Response` has no URL; a clone of it is to have the same. */
function described(response: globalThis.Response, facts: Partial<globalThis.Response>): globalThis.Response {
  const clone = () => described(Response.prototype.clone.call(response), facts);
  for (const [name, value] of Object.entries({ type: 'basic', ...facts, clone }))
    Object.defineProperty(response, name, valued(value));
  return response;
}

/** With no prototype: a polluted one could make a getter of it. */
function valued(value: unknown): PropertyDescriptor {
  return { __proto__: null, value, configurable: true } as PropertyDescriptor;
}

function headersOf({ headers }: Answer): Headers {
  // Only Set-Cookie comes as a list.
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => [name, each] as const));
  const told = lines.filter(([, value]) => value !== undefined && value !== null);
  return new Headers(told.map(([name, value]) => [name, String(value)]));
}

/** A reason phrase may hold bytes that `Response` refuses. */
function plain(statusText: string | undefined): string {
  return (statusText ?? '').replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

/** Whatever an axios adapter may answer with: a stream of Node's or the web's kind, bytes, text, or data that was parsed already. */
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
  return typeof data === 'string' || ArrayBuffer.isView(data) || data instanceof ArrayBuffer || data instanceof Blob;
}

/** As fetch has it; abandoning it frees the socket. */
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
      // A reader with a buffer of its own waits for an answer.
      controller.byobRequest?.respond(0);
    },
    cancel: () => void abandon(),
  });
}

/** A copy of the next bytes, for what is read is given away; undefined at the end. */
async function nextOf(
  chunks: AsyncIterator<Uint8Array | string>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (signal?.aborted) throw signal.reason;
  try {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) return undefined;
      // A byte stream takes no empty piece.
      if (value.length > 0) return new Uint8Array(typeof value === 'string' ? Buffer.from(value) : value);
    }
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new TypeError(`terminated: ${(cause as Error).message}`, { cause });
  }
}

/** After redirects, where the wire tells of them; without fragment and credentials. */
function urlOf({ request, config }: Answer): string {
  const sent = (request as { res?: { responseUrl?: string } } | undefined)?.res?.responseUrl;
  const url = new URL(sent ?? resolveUrl(config).href);
  url.hash = '';
  return url.href;
}
