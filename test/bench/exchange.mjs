/** One request of the benchmark and its answer, checked. */
import assert from 'node:assert/strict';
import { answer, sizes } from './cases.mjs';

/** Sends once and reads the answer to its end. */
export function exchange(send, request) {
  if (request.answer === 'json') return async () => assert.equal((await send()).id, answer.id);
  const size = sizes[request.path];
  if (request.answer === 'bytes') return async () => assert.equal((await send()).byteLength, size);
  return async () => {
    let received = 0;
    for await (const chunk of await send()) received += chunk.length;
    assert.equal(received, size);
  };
}
