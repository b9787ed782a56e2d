/** HTTP/2: how much a server may send ahead, and how much a client holds for readers that have stopped. */
import type { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { until, watch } from '../../support/client.js';
import { type Peer, SETTINGS, startFrames, WINDOW_UPDATE } from '../../support/h2-frames.js';
import { identity, overH2 } from '../../support/h2-server.js';

const MiB = 1024 * 1024;
const standard = 65_535;
const wide = 24 * MiB;

/** The values of SETTINGS_INITIAL_WINDOW_SIZE that the client has sent. */
function windowsOf({ frames }: Peer): number[] {
  return frames
    .filter(({ type, payload }) => type === SETTINGS && payload.length > 0)
    .flatMap(({ payload }) =>
      Array.from({ length: payload.length / 6 }, (_, index) => index * 6)
        .filter((at) => payload.readUInt16BE(at) === 4)
        .map((at) => payload.readUInt32BE(at + 2)),
    );
}

/** The room that the client has given by WINDOW_UPDATE, for one stream or for the connection. */
function given({ frames }: Peer, id: number): number {
  return frames
    .filter((frame) => frame.type === WINDOW_UPDATE && frame.id === id)
    .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);
}

/** A server that sends as much as it may, and never more. */
class Sender {
  readonly #peer: Peer;
  readonly #sent = new Map<number, number>();
  total = 0;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Bytes that it may send at once on a stream, without hearing of the client. */
  room(id: number): number {
    const stream = (windowsOf(this.#peer).at(-1) ?? standard) + given(this.#peer, id) - (this.#sent.get(id) ?? 0);
    return Math.min(stream, standard + given(this.#peer, 0) - this.total);
  }

  /** Sends up to so many bytes; false where it may send none. */
  async send(id: number, bytes: number): Promise<boolean> {
    const room = Math.min(this.room(id), bytes);
    for (let left = room; left > 0; left -= 16_384) this.#peer.data(id, Buffer.alloc(Math.min(left, 16_384)));
    this.#sent.set(id, (this.#sent.get(id) ?? 0) + Math.max(0, room));
    this.total += Math.max(0, room);
    await new Promise((resolve) => setImmediate(resolve));
    return room > 0;
  }
}

/** Bodies of a test: one that nobody refers to would be collected, and its stream cancelled. */
let kept: readonly Readable[] = [];

/** A client with so many streams that have their headers and that nobody reads. */
async function unread(count: number) {
  const { origin, peers } = await startFrames({ cert: identity.cert, key: identity.key }, (peer) => peer.settings());
  const { client } = watch(overH2(origin, { retry: false, timeouts: false }));
  const calls = Array.from({ length: count }, () => client.get<Readable>('/', { responseType: 'stream' }));
  await until(() => peers[0]?.requests.length === count);
  const peer = peers[0] as Peer;
  for (const id of peer.requests) peer.headers(id, [[':status', 200]]);
  const bodies = (await Promise.all(calls)).map(({ data }) => data);
  for (const body of bodies) body.on('error', () => {});
  kept = bodies;
  return { peer, sender: new Sender(peer), bodies };
}

afterEach(() => {
  for (const body of kept) body.destroy();
});

describe('a connection over HTTP/2', () => {
  it('lets a server send 24 MiB on one stream within one round trip', async () => {
    const { peer, sender } = await unread(1);
    expect(windowsOf(peer)).toEqual([wide]);
    expect(given(peer, 0)).toBe(wide - standard);
    expect(sender.room(1)).toBe(wide);
  });

  it('narrows the windows once 8 MiB wait for their readers, so that many streams hold little more', async () => {
    const { peer, sender } = await unread(40);
    for (let round = 0; round < 40; round++) for (const id of peer.requests) await sender.send(id, 32 * 1024);
    await until(() => windowsOf(peer).length > 1);
    expect(windowsOf(peer)).toEqual([wide, standard]);
    let sent = true;
    while (sent && sender.total < 2 * wide) {
      sent = false;
      for (const id of peer.requests) sent = (await sender.send(id, MiB)) || sent;
    }
    expect(windowsOf(peer)).toEqual([wide, standard]);
    // What was under way when the windows became narrow, and 64 KiB for each stream at most.
    expect(sender.total).toBeLessThan(wide);
  });

  it('widens the windows again once the readers have caught up', async () => {
    const { peer, sender, bodies } = await unread(1);
    while (sender.total < 9 * MiB) await sender.send(1, MiB);
    await until(() => windowsOf(peer).length > 1);
    let read = 0;
    bodies[0]?.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    await until(() => windowsOf(peer).length > 2);
    expect(windowsOf(peer)).toEqual([wide, standard, wide]);
    await until(() => read === sender.total);
    expect(sender.room(1)).toBeGreaterThan(wide / 2);
  });

  it('counts a body that has arrived as a whole until it is read, or dropped', async () => {
    const { peer, sender, bodies } = await unread(10);
    for (const id of peer.requests) {
      await sender.send(id, MiB);
      peer.data(id, '', true);
    }
    await until(() => windowsOf(peer).length > 1);
    expect(windowsOf(peer)).toEqual([wide, standard]);
    for (const body of bodies.slice(0, 3)) body.destroy();
    for (const body of bodies.slice(3, 6)) body.resume();
    await until(() => windowsOf(peer).length > 2);
    expect(windowsOf(peer)).toEqual([wide, standard, wide]);
  });

  it('holds no more than its window for one reader that has stopped', async () => {
    const { peer, sender } = await unread(1);
    while (await sender.send(1, MiB));
    await until(() => windowsOf(peer).length > 1);
    while (await sender.send(1, MiB));
    expect(sender.total).toBeLessThanOrEqual(wide);
  });
});
