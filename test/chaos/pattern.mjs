/** Bodies that tell whose they are, and which part of them, at every offset: cells of nonce, number and line end. */

const cell = 16;
const largest = 1024 * 1024;
const cells = Buffer.from(
  Array.from({ length: largest / cell }, (_, number) => `n0000000${number.toString(16).padStart(7, '0')}\n`).join(''),
);

export const nonceOf = (index) => `n${index.toString(16).padStart(7, '0')}`;

export function pattern(nonce, size) {
  const bytes = Buffer.from(cells.subarray(0, size));
  const name = Buffer.from(nonce);
  for (let at = 0; at < size; at += cell) bytes.set(size - at < name.length ? name.subarray(0, size - at) : name, at);
  return bytes;
}

/** What is wrong with bytes that should be the pattern: `crossed` where they hold another call's. */
export function fault(got, nonce, size, { whole = true } = {}) {
  const expected = pattern(nonce, whole ? size : Math.min(size, got.length));
  if (expected.equals(got)) return undefined;
  const [foreign] = got.latin1Slice().match(new RegExp(`n(?!${nonce.slice(1)})[0-9a-f]{7}(?=[0-9a-f]{7}\\n)`)) ?? [];
  if (foreign !== undefined) return { kind: 'crossed', detail: `the body holds bytes of ${foreign}` };
  return {
    kind: 'lost',
    detail: `${got.length} of ${size} bytes, the first wrong one at ${firstDifference(got, expected)}`,
  };
}

function firstDifference(got, expected) {
  const shorter = Math.min(got.length, expected.length);
  for (let at = 0; at < shorter; at++) if (got[at] !== expected[at]) return at;
  return shorter;
}
