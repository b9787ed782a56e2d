/** HTTP/2: whatever runs for a call runs in the async context of that call, whoever opened the connection or made room on it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { watch } from '../../support/client.js';
import { DATA, HEADERS, type Peer, startFrames } from '../../support/h2-frames.js';
import { identity, overH2 } from '../../support/h2-server.js';

const config = (origin: string) => overH2(origin, { retry: false });
const calls = new AsyncLocalStorage<string>();

/** Runs a call under its own name; tells under which names its callbacks ran. */
function watched(
  name: string,
  run: (note: (event: string) => void) => Promise<void>,
): Promise<Map<string, Set<string>>> {
  const seen = new Map<string, Set<string>>();
  const note = (event: string) => {
    const names = seen.get(event) ?? new Set();
    seen.set(event, names.add(calls.getStore() ?? 'none'));
  };
  return calls.run(name, () => run(note).then(() => seen));
}

function strangers(name: string, seen: Map<string, Set<string>>): string[] {
  return [...seen].flatMap(([event, names]) =>
    [...names].filter((each) => each !== name).map((each) => `${event}: ${each}`),
  );
}

async function* source(note: (event: string) => void) {
  for (let i = 0; i < 20; i++) {
    note('the generator of the body');
    yield Buffer.alloc(10_000);
    await new Promise((resolve) => setImmediate(resolve));
    note('the generator of the body, after a wait');
  }
}

type End = (peer: Peer, id: number) => void;

/** Answers in parts once a request is here. */
function start(end: End) {
  return startFrames(
    identity,
    (peer) => peer.allow(100),
    (peer, { type, ends, id }) => {
      if ((type !== DATA && type !== HEADERS) || !ends) return;
      peer.headers(id, [[':status', 200]]);
      peer.data(id, Buffer.alloc(16_000));
      setTimeout(() => peer.data(id, Buffer.alloc(16_000)), 5);
      setTimeout(end, 10, peer, id);
    },
  );
}

/** What ends the connection, once all three have their answer. */
function afterAll(end: End): End {
  const seen = new WeakMap<Peer, number>();
  return (peer, id) => {
    const count = (seen.get(peer) ?? 0) + 1;
    seen.set(peer, count);
    if (count === 3) end(peer, id);
  };
}

const ends: readonly [string, 'end' | 'error', End][] = [
  ['with its last byte', 'end', (peer, id) => peer.data(id, 'x', true)],
  ['with trailers', 'end', (peer, id) => peer.headers(id, [['x-checksum', '1']], true)],
  ['by a reset', 'error', (peer, id) => peer.reset(id, 2)],
  ['by a reset without an error', 'error', (peer, id) => peer.reset(id, 0)],
  ['by a GOAWAY for an error', 'error', afterAll((peer, id) => peer.goaway(2, id))],
  ['by the end of the connection', 'error', afterAll((peer) => peer.socket.destroy())],
];

describe.each([
  ['on a kept connection', true],
  ['that has waited for the connection of another', false],
])('A call over HTTP/2, %s', (_, kept) => {
  it.each(ends)('has its callbacks in its own context where its answer ends %s', async (_name, last, end) => {
    let ending: End = (peer, id) => peer.data(id, 'x', true);
    const { origin } = await start((peer, id) => ending(peer, id));
    const { client } = watch(config(origin));
    if (kept) await calls.run('before', () => client.get('/'));
    ending = end;
    const call = (name: string) =>
      watched(name, async (note) => {
        const { data } = await client.post<Readable>('/', Readable.from(source(note), { objectMode: false }), {
          responseType: 'stream',
          onUploadProgress: () => note('onUploadProgress'),
          onDownloadProgress: () => note('onDownloadProgress'),
        });
        note('the answer');
        for (const event of ['data', 'end', 'error', 'close']) data.on(event, () => note(event));
        await new Promise((resolve) => data.once('close', resolve));
        note('after its end');
      });
    const names = ['first', 'second', 'third'];
    const seen = await Promise.all(names.map(call));
    expect(names.flatMap((name, at) => strangers(name, seen[at] as Map<string, Set<string>>))).toEqual([]);
    for (const event of ['data', last, 'close', 'onUploadProgress', 'onDownloadProgress', 'the generator of the body'])
      expect([event, seen[2]?.has(event)]).toEqual([event, true]);
  });
});
