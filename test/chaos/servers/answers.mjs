/** The answer that a call asks for, before any fault befalls it. */
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { pattern } from '../pattern.mjs';

// Its default takes half a second for a large body.
const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } };

const codings = {
  identity: (bytes) => bytes,
  gzip: gzipSync,
  deflate: deflateSync,
  br: (bytes) => brotliCompressSync(bytes, quick),
  'gzip, br': (bytes) => codings.br(gzipSync(bytes)),
};

const withoutContent = new Set([204, 205, 304]);

/** Status, header fields and content; a HEAD, 204 or 304 has no content, but may tell the length of one. */
export function answerTo({ method, asked, fault, received }) {
  const { nonce, status, size, coding } = asked;
  const headers = { 'content-type': 'text/plain', 'x-nonce': nonce };
  if (asked.fault !== 'early') headers['x-received'] = received;
  if (coding !== 'identity') headers['content-encoding'] = coding;
  const whole = codings[coding](pattern(nonce, size));
  if (method === 'HEAD' || withoutContent.has(status)) {
    if (status !== 205 && asked.tellsLength) headers['content-length'] = String(whole.length);
    if (status === 205) headers['content-length'] = '0';
    return { status, headers, content: Buffer.alloc(0), bare: true };
  }
  return { status, headers, content: faultyContent(whole, fault, asked), bare: false };
}

/** The frame around it is right, the coded content is not. */
function faultyContent(whole, fault, { nonce, size, at }) {
  // Cut to nothing it would be an empty content, which is a whole one whatever its coding.
  if (fault === 'cut-coding') return whole.subarray(0, Math.max(1, Math.floor(whole.length * at)));
  if (fault === 'wrong-coding') return pattern(nonce, size);
  if (fault === 'empty-coding') return Buffer.alloc(0);
  return whole;
}
