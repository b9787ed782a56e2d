/** An answer of the stack as a WHATWG `Response`. */
import { discard, isStream } from '../body.js';
import type { Response as Answer } from '../policy.js';
import { resolveUrl } from '../url.js';
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
  const body = asked.method === 'HEAD' || empty.has(status) ? null : bodyOf(answer, asked.signal);
  if (body === null && isStream(answer.data)) answer.data.resume();
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
    Object.defineProperty(response, name, { value, configurable: true });
  return response;
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

/** The body as a byte stream; abandoning it frees the socket. */
function bodyOf(answer: Answer, signal: AbortSignal | undefined): ReadableStream<Uint8Array> | null {
  const { data } = answer;
  if (!isStream(data)) return new Response(isText(data) ? data : JSON.stringify(data)).body;
  const chunks = data.iterator() as AsyncIterator<Buffer>;
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value } = await nextOf(chunks, signal);
      if (!done) return controller.enqueue(new Uint8Array(value));
      controller.close();
      // A reader with a buffer of its own waits for an answer.
      controller.byobRequest?.respond(0);
    },
    cancel: () => discard(answer),
  });
}

/** Transports for tests may answer with an object whatever was asked for. */
function isText(data: unknown): data is string | Buffer {
  return typeof data === 'string' || Buffer.isBuffer(data);
}

async function nextOf(chunks: AsyncIterator<Buffer>, signal: AbortSignal | undefined): Promise<IteratorResult<Buffer>> {
  try {
    return await chunks.next();
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
