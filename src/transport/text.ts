/** A body as text. */

/** In UTF-8 without its byte order mark, unless another encoding is asked for. */
export function textOf(body: Buffer, encoding: BufferEncoding | undefined): string {
  if (encoding !== undefined && encoding !== 'utf8') return body.toString(encoding);
  const text = body.toString();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
