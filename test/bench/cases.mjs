/** What is asked of the upstream, the same for every variant. */
import { Readable } from 'node:stream';

/** 100 bytes as JSON. */
export const answer = {
  id: 'INV-2026-0001',
  customer: 'C-4711',
  currency: 'EUR',
  total: 129900,
  paid: true,
  lines: 12,
};

/** 1 KiB as JSON. */
const order = { customer: 'C-4711', note: 'x'.repeat(990) };

const KiB = 1024;
const MiB = 1024 * KiB;
const block = Buffer.alloc(64 * KiB, 'x');
const blocks = (10 * MiB) / block.length;

/** 10 MiB in blocks of 64 KiB, always the same memory: making the body shall cost nothing. */
function upload() {
  let left = blocks;
  return new Readable({
    highWaterMark: block.length,
    read() {
      this.push(left-- > 0 ? block : null);
    },
  });
}

/** Paths of the upstream whose answer is so many bytes; every other path is answered with the JSON above. */
export const sizes = { '/100k': 100 * KiB, '/10m': 10 * MiB };

const json = { method: 'GET', path: '/json', answer: 'json' };

/** Small enough to be sent by the thousand. */
export const isSmall = ({ answer: form, bytes, stream }) =>
  form === 'json' && bytes === undefined && stream === undefined;

/**
 * `answer` is what the variant has to hand out: `json` parsed, `bytes` in one piece, or a `stream`.
 * Each caller sends again once it is answered; with a `rate`, so many calls begin a second, and the callers only warm up.
 * A body is `json`, `bytes`, or `stream`, a function that makes a new one.
 */
export const cases = [
  { name: 'get-1', title: 'GET, 100 bytes of JSON back', callers: 1, request: json },
  { name: 'get-50', title: 'GET, 100 bytes of JSON back', callers: 50, request: json },
  { name: 'get-500', title: 'GET, 100 bytes of JSON back', callers: 500, request: json },
  { name: 'get-2000', title: 'GET, 100 bytes of JSON back', callers: 2000, request: json },
  {
    name: 'post-50',
    title: 'POST, 1 KiB of JSON there and 100 bytes back',
    callers: 50,
    request: { method: 'POST', path: '/json', json: order, answer: 'json' },
  },
  {
    name: 'download-100k',
    title: 'GET, 100 KiB back as one buffer',
    callers: 50,
    request: { method: 'GET', path: '/100k', answer: 'bytes' },
  },
  {
    name: 'download-10m',
    title: 'GET, 10 MiB back as one buffer',
    callers: 4,
    request: { method: 'GET', path: '/10m', answer: 'bytes' },
  },
  {
    name: 'download-10m-stream',
    title: 'GET, 10 MiB back as a stream',
    callers: 4,
    request: { method: 'GET', path: '/10m', answer: 'stream' },
  },
  {
    name: 'upload-100k',
    title: 'POST, 100 KiB there as one buffer',
    callers: 50,
    request: { method: 'POST', path: '/json', bytes: Buffer.alloc(100 * KiB, 'x'), answer: 'json' },
  },
  {
    name: 'upload-10m-stream',
    title: 'POST, 10 MiB there as a stream',
    callers: 4,
    request: { method: 'POST', path: '/json', stream: upload, answer: 'json' },
  },
  // Four times as long, for enough calls beyond the 99.9th percentile.
  { name: 'open-2000', title: 'GET, 100 bytes of JSON back', rate: 2000, callers: 50, longer: 4, request: json },
  { name: 'mtls-50', title: 'GET over mutual TLS, 100 bytes of JSON back', callers: 50, mtls: true, request: json },
];
