/** Encodes a web `FormData` as `multipart/form-data` (RFC 7578) with a known length, anew at each sending. */
import { randomBytes } from 'node:crypto';

export interface Multipart {
  readonly contentType: string;
  readonly contentLength: number;
  encode(): AsyncIterable<Uint8Array>;
}

interface Part {
  readonly head: Buffer;
  readonly value: Buffer | Blob;
}

/** The encoded form; `boundary` is the caller's where their own `content-type` has one. */
export function multipart(form: FormData, boundary = `pillion-${randomBytes(18).toString('hex')}`): Multipart {
  const parts = [...form.entries()].map(([name, value]) => partOf(name, value, boundary));
  const end = Buffer.from(`--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    contentLength: parts.reduce((sum, { head, value }) => sum + head.length + sizeOf(value) + 2, end.length),
    async *encode() {
      for (const { head, value } of parts) {
        yield head;
        if (Buffer.isBuffer(value)) yield value;
        else yield* value.stream();
        yield Buffer.from('\r\n');
      }
      yield end;
    },
  };
}

function partOf(name: string, value: string | File, boundary: string): Part {
  const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"`;
  if (typeof value === 'string') {
    const text = value.replace(/\r?\n|\r/g, '\r\n');
    return { head: Buffer.from(`${disposition}\r\n\r\n`), value: Buffer.from(text) };
  }
  const type = (value.type || 'application/octet-stream').replace(/[\r\n]/g, '');
  const head = `${disposition}; filename="${escaped(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`;
  return { head: Buffer.from(head), value };
}

function sizeOf(value: Buffer | Blob): number {
  return Buffer.isBuffer(value) ? value.length : value.size;
}

/** Escapes a name as browsers do (HTML, multipart/form-data encoding algorithm). */
function escaped(name: string): string {
  return name.replace(/\r/g, '%0D').replace(/\n/g, '%0A').replace(/"/g, '%22');
}
