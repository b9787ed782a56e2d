/** The JSON that a request brings: small, soon, and declared as JSON, which no form of another site can do. */
import type { IncomingMessage } from 'node:http';
import type { Sent } from './respond.js';

const maxBytes = 1024;
const patience = 5000;

/** What was sent, or why it is not taken. */
export type Body = { readonly json: unknown } | { readonly refused: Sent };

/** Never rejects and always ends. A body that the host has parsed already, as `express.json()` does, is taken from `request.body`. */
export async function jsonOf(request: IncomingMessage): Promise<Body> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json *(;|$)/i.test(type)) return refused(415, 'Send JSON, as content-type: application/json.');
  const { body } = request as { body?: unknown };
  if (body !== undefined && !Buffer.isBuffer(body) && typeof body !== 'string') return { json: body };
  if (body === undefined && request.readableDidRead) return refused(400, alreadyRead);
  const text = body === undefined ? await textOf(request) : String(body);
  return typeof text === 'string' ? parsed(text) : text;
}

const alreadyRead =
  'Something has read the body before the admin handler could. In Fastify, call the handler in an onRequest hook.';

function parsed(text: string): Body {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return refused(400, 'The body is no JSON.');
  }
}

/** The rest of what is refused is not read: the connection ends. */
function refused(status: number, error: string): Body {
  return { refused: { status, body: { error }, headers: { connection: 'close' } } };
}

/** By events: leaving an async iterator would destroy the connection that the answer has to take. */
function textOf(request: IncomingMessage): Promise<string | Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (text: string | Body) => {
      clearTimeout(timer);
      request.off('data', take).off('end', whole).off('close', gone).off('error', gone).pause();
      resolve(text);
    };
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) end(refused(413, `The body may have ${maxBytes} bytes.`));
    };
    const whole = () => end(Buffer.concat(chunks).toString());
    const gone = () => end(refused(400, 'The body did not arrive.'));
    const timer = setTimeout(() => end(refused(408, `The body did not arrive within ${patience} ms.`)), patience);
    timer.unref();
    request.on('data', take).once('end', whole).once('close', gone).once('error', gone);
  });
}
