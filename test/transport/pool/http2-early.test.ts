/** HTTP/2: an answer that ends before the upload does settles the call, and the upload is let go. */
import { Readable } from 'node:stream';
import type { HttpClient } from 'pillion';
import { describe, expect, it } from 'vitest';
import { rejection, until, watch } from '../../support/client.js';
import { DATA, HEADERS, type Peer, startFrames } from '../../support/h2-frames.js';
import { identity, overH2 } from '../../support/h2-server.js';

const cancel = 8;

/** Reads nothing beyond the windows that HTTP/2 begins with, and answers once they are full. */
async function startDeaf(answer: (peer: Peer, id: number) => void) {
  const server = await startFrames(
    identity,
    (peer) => {
      peer.reads = false;
      peer.settings();
    },
    (peer, { type, id, ends }) => {
      if (type === HEADERS && ends) peer.answer(id, 'next');
      const sent = peer.frames
        .filter((frame) => frame.type === DATA)
        .reduce((sum, { payload }) => sum + payload.length, 0);
      if (type === DATA && sent === 65_535) answer(peer, id);
    },
  );
  const { client } = watch(overH2(server.origin, { retry: false }));
  return { ...server, client };
}

function endless(): Readable {
  return new Readable({
    read() {
      this.push(Buffer.alloc(16_000));
    },
  });
}

const short = (status: number) => (peer: Peer, id: number) => {
  peer.headers(id, [[':status', status]]);
  peer.data(id, 'no', true);
};
const bare = (status: number) => (peer: Peer, id: number) => peer.headers(id, [[':status', status]], true);
const long = (status: number) => (peer: Peer, id: number) => {
  peer.headers(id, [[':status', status]]);
  for (let part = 0; part < 4; part++) peer.data(id, Buffer.alloc(15_000), part === 3);
};

const answers: readonly [string, number, number, (peer: Peer, id: number) => void][] = [
  ['413 without a body', 413, 0, bare(413)],
  ['413 with a short body', 413, 2, short(413)],
  ['401 with a long body', 401, 60_000, long(401)],
  ['200 with a short body', 200, 2, short(200)],
  ['200 with a long body', 200, 60_000, long(200)],
  ['503 without a body', 503, 0, bare(503)],
];

const readings: readonly [string, (client: HttpClient, body: unknown) => Promise<[number, number]>][] = [
  [
    'a buffer',
    async (client, body) => {
      const { status, data } = await client.post('/', body, {
        responseType: 'arraybuffer',
        validateStatus: () => true,
      });
      return [status, data.length];
    },
  ],
  [
    'a stream',
    async (client, body) => {
      const { status, data } = await client.post('/', body, { responseType: 'stream', validateStatus: () => true });
      let length = 0;
      for await (const chunk of data) length += chunk.length;
      return [status, length];
    },
  ],
  [
    'a response of fetch',
    async (client, body) => {
      const stream = body instanceof Readable ? { body: Readable.toWeb(body), duplex: 'half' } : { body };
      const response = await client.fetch('/', { method: 'POST', ...stream } as never);
      return [response.status, (await response.arrayBuffer()).byteLength];
    },
  ],
];

describe.each(readings)('An early HTTP/2 answer, read as %s', (_, read) => {
  it.each(answers)('settles the call at once, and cancels the upload: %s', async (_name, status, length, answer) => {
    const { client, peers } = await startDeaf(answer);
    expect(await read(client, Buffer.alloc(5_000_000))).toEqual([status, length]);
    const [peer] = peers as [Peer];
    await until(() => peer.resetsOf(1).length > 0);
    expect(peer.resetsOf(1)).toEqual([cancel]);
    expect((await client.get('/')).data).toBe('next');
    expect(peers).toHaveLength(1);
  });

  it('destroys the stream that the upload comes from', async () => {
    const { client, peers } = await startDeaf(short(413));
    const source = endless();
    expect(await read(client, source)).toEqual([413, 2]);
    await until(() => source.destroyed);
    await until(() => peers[0]?.resetsOf(1).length === 1);
  });
});

describe('An upload over HTTP/2', () => {
  it('goes on while its answer does', async () => {
    const { origin, peers } = await startFrames(
      identity,
      (peer) => peer.settings(),
      (peer, { type, ends, id, payload }) => {
        if (type === HEADERS) peer.headers(id, [[':status', 200]]);
        if (type === DATA) peer.data(id, payload, ends);
      },
    );
    const { client } = watch(overH2(origin, { retry: false }));
    const pieces = Array.from({ length: 50 }, (_, index) => Buffer.alloc(20_000, index));
    const { data } = await client.post('/', Readable.from(pieces), { responseType: 'stream' });
    const received: Buffer[] = [];
    for await (const chunk of data) received.push(chunk);
    expect(Buffer.concat(received).equals(Buffer.concat(pieces))).toBe(true);
    expect(peers[0]?.resetsOf(1)).toEqual([]);
  });

  it.each([0, 1, 7, 8])(
    'ends with its stream where the server resets that with code %i and no answer',
    async (code) => {
      const { client } = await startDeaf((peer, id) => peer.reset(id, code));
      const source = endless();
      const error = await rejection(client.post('/', source));
      expect(error.code).toBe(code === 7 ? 'REFUSED_STREAM' : 'ECONNRESET');
      await until(() => source.destroyed);
    },
  );
});
