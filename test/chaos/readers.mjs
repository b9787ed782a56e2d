/** Ways of reading an answer: to its end, in part, or not at all. Each resolves to how the call ended. */
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { judgeBody } from './judge.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const bytesOf = (text) => Buffer.from(text, 'latin1');

async function all(call, { data }) {
  const chunks = [];
  for await (const chunk of data) {
    call.here('the loop over the body');
    call.reached('data');
    chunks.push(chunk);
  }
  call.here('the end of the loop over the body');
  return judgeBody(call, Buffer.concat(chunks));
}

/** As code from before async iterators does it. */
function events(call, { data }) {
  const chunks = [];
  return new Promise((resolve, reject) => {
    let ended = false;
    const at = (name, work) =>
      data.on(name, (value) => {
        call.here(`'${name}' of the body`);
        work(value);
      });
    at('data', (chunk) => {
      call.reached('data');
      chunks.push(chunk);
    });
    at('end', () => {
      ended = true;
      resolve(judgeBody(call, Buffer.concat(chunks)));
    });
    at('error', reject);
    at('close', () => ended || reject(Object.assign(new Error('closed without an end'), { code: 'CLOSED' })));
  });
}

async function half(call, { data }) {
  const { size } = call.plan.asked;
  const chunks = [];
  let got = 0;
  for await (const chunk of data) {
    call.reached('data');
    chunks.push(chunk);
    got += chunk.length;
    if (got >= size / 2) break;
  }
  return judgeBody(call, Buffer.concat(chunks), false);
}

async function destroy(call, { data }) {
  // undici tells of it by an error.
  if (call.plan.way === 'dispatcher') data.on('error', () => {});
  data.destroy();
  if (!data.closed) await new Promise((resolve) => data.once('close', resolve));
  call.here("'close' of a destroyed body");
  return 'destroyed';
}

async function pipe(call, { data }) {
  const chunks = [];
  const slow = new Writable({
    highWaterMark: 1024,
    write(chunk, _encoding, done) {
      call.here('write() behind the body');
      call.reached('data');
      chunks.push(chunk);
      // Not after each: many small chunks would take longer than any time limit.
      (chunks.length % 16 === 0 ? setImmediate : queueMicrotask)(done);
    },
  });
  await pipeline(data, slow);
  return judgeBody(call, Buffer.concat(chunks));
}

const late = (read) => async (call, answer) => {
  await pause(20);
  return read(call, answer);
};

const text = async (call, response) => {
  const read = await response.text();
  call.here('the await of text()');
  return judgeBody(call, bytesOf(read));
};

async function halfOfFetch(call, { body }) {
  if (body === null) return judgeBody(call, Buffer.alloc(0));
  const reader = body.getReader();
  const { value } = await reader.read();
  call.here('the await of read()');
  call.reached('data');
  await reader.cancel();
  return judgeBody(call, Buffer.from(value ?? []), false);
}

export const readers = {
  axios: {
    buffer: async (call, { data }) => judgeBody(call, data),
    text: async (call, { data }) => judgeBody(call, bytesOf(data)),
    ...{ all, events, half, destroy, pipe },
    unread: async () => 'unread',
    late: late(all),
  },
  fetch: {
    text,
    bytes: async (call, response) => judgeBody(call, Buffer.from(await response.arrayBuffer())),
    half: halfOfFetch,
    cancel: async (_call, { body }) => {
      await body?.cancel();
      return 'destroyed';
    },
    unread: async () => 'unread',
    clone: async (call, response) => {
      const [first, second] = await Promise.all([response.clone().text(), response.text()]);
      judgeBody(call, bytesOf(first));
      return judgeBody(call, bytesOf(second));
    },
    late: late(text),
  },
};

const { all: whole, events: byEvents, half: part, destroy: destroyed, pipe: piped, late: afterwards } = readers.axios;
const streamed = { all: whole, events: byEvents, half: part, destroy: destroyed, pipe: piped, late: afterwards };
Object.assign(readers, { router: readers.fetch, dispatcher: streamed, listener: streamed });
