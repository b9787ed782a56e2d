/** HTTP/2: a server is sent no more at once than it takes; the rest waits, and what is refused is no fault of the server. */
import http2, { type ServerHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { pause, rejection, until, watch } from '../../support/client.js';
import { HEADERS, type Peer, startFrames } from '../../support/h2-frames.js';
import { connectionsTo, identity, overH2, startH2 } from '../../support/h2-server.js';

const many = <T>(length: number, call: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length }, (_, i) => call(i)));

const later = (ms: number) => (stream: ServerHttp2Stream) =>
  setTimeout(() => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.end('ok');
  }, ms);

describe('A server that takes few HTTP/2 streams at once', () => {
  it.each([1, 2, 7])('of %i answers a hundred calls, none of which it has to refuse', async (maxConcurrentStreams) => {
    const { origin, counts } = await startH2([later(5)], { maxConcurrentStreams });
    const { client } = watch(overH2(origin, { retry: false }));
    const answers = await many(100, (i) => (i % 2 ? client.get('/') : client.post('/', { i })));
    expect(answers.map(({ data }) => data)).toEqual(new Array(100).fill('ok'));
    expect(counts()).toEqual({ refused: 0, most: maxConcurrentStreams });
  });

  it('gets no more connections than connections.maxConnections', async () => {
    const { origin, sessions, counts } = await startH2([later(10)], { maxConcurrentStreams: 1 });
    const { client } = watch(overH2(origin, { retry: false, connections: { maxConnections: 3 } }));
    await many(30, () => client.get('/'));
    expect(sessions.length).toBeLessThanOrEqual(3);
    expect(counts()).toEqual({ refused: 0, most: 1 });
  });
});

describe('The SETTINGS of an HTTP/2 server', () => {
  it('are awaited with one request on the way, the others in the queue', async () => {
    const { origin, peers } = await startFrames(identity, () => {});
    const { client } = watch(overH2(origin, { retry: false }));
    const calls = many(20, () => client.get('/'));
    await until(() => peers[0]?.requests.length === 1);
    await pause(20);
    expect(connectionsTo(client, origin)).toEqual({ connected: 1, free: 0, pending: 19, running: 1 });
    const [peer] = peers as [Peer];
    expect(peer.requests).toHaveLength(1);
    peer.settings();
    await until(() => peer.requests.length === 20);
    for (const id of peer.requests) peer.answer(id);
    expect((await calls).map(({ status }) => status)).toEqual(new Array(20).fill(200));
    expect(peers).toHaveLength(1);
  });

  it('may lower the limit later, and raise it again', async () => {
    const { origin, peers } = await startFrames(identity, (peer) => peer.allow(10));
    const { client } = watch(overH2(origin, { retry: false, connections: { maxConnections: 10 } }));
    const first = many(6, () => client.get('/'));
    const free = () => (connectionsTo(client, origin) as { free: number } | undefined)?.free;
    await until(() => peers[0]?.requests.length === 6);
    peers[0]?.allow(7);
    await until(() => free() === 1);
    peers[0]?.allow(6);
    await until(() => free() === 0);
    for (const id of peers[0]?.requests ?? []) peers[0]?.answer(id);
    expect((await first).map(({ status }) => status)).toEqual(new Array(6).fill(200));
    await until(() => free() === 1);
    expect((await Promise.all([answered(peers[0] as Peer, 6), many(6, () => client.get('/'))]))[0]).toBe(12);
    expect(peers).toHaveLength(1);
  });

  it('may take no streams for a while: nothing is sent, and one further connection is tried', async () => {
    const { origin, peers } = await startFrames(identity, (peer, index) => peer.allow(index === 0 ? 10 : 0));
    const { client } = watch(overH2(origin, { retry: false, connections: { maxConnections: 10 } }));
    const free = () => (connectionsTo(client, origin) as { free: number } | undefined)?.free;
    const warm = client.get('/');
    await until(() => peers[0]?.requests.length === 1);
    const [peer] = peers as [Peer];
    peer.answer(1);
    await warm;
    peer.allow(0);
    await until(() => free() === 0);
    const calls = many(5, () => client.get('/'));
    await until(() => peers[1]?.requests.length === 1);
    await pause(50);
    expect(peers.map(({ requests }) => requests.length)).toEqual([1, 1]);
    peer.allow(10);
    await answered(peer, 4);
    peers[1]?.answer(1);
    expect((await calls).map(({ status }) => status)).toEqual(new Array(5).fill(200));
    expect(peers).toHaveLength(2);
  });
});

/** Answers the next requests as they come. */
async function answered(peer: Peer, count: number): Promise<number> {
  const before = peer.requests.length;
  for (let at = before; at < before + count; at++) {
    await until(() => peer.requests.length > at);
    peer.answer(peer.requests[at] as number);
  }
  return peer.requests.length;
}

describe('A stream that an HTTP/2 server refuses', () => {
  const refusing = (times: number) => {
    let left = times;
    return startFrames(
      identity,
      (peer) => peer.allow(100),
      (peer, { type, id }) => {
        if (type !== HEADERS) return;
        if (left-- > 0) peer.reset(id, http2.constants.NGHTTP2_REFUSED_STREAM);
        else peer.answer(id);
      },
    );
  };

  it.each(['get', 'post', 'patch', 'delete'] as const)('is retried, whatever the method: %s', async (method) => {
    const { origin, peers } = await refusing(1);
    const { client } = watch(overH2(origin));
    expect((await client[method]('/')).data).toBe('ok');
    expect(peers[0]?.requests).toHaveLength(2);
  });

  it('opens no circuit and ejects no endpoint, however often', async () => {
    const { origin } = await refusing(60);
    const { port } = new URL(origin);
    const { client } = watch(
      overH2(origin, {
        retry: false,
        endpoints: {
          static: [{ address: `localhost:${port}` }, { address: `127.0.0.1:${port}` }],
        },
        outlierDetection: { consecutiveFailures: 3 },
      }),
    );
    const errors = await many(60, () => rejection(client.get('/')));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['REFUSED_STREAM']));
    expect((await client.get('/')).data).toBe('ok');
  });

  it('may be refused by a GOAWAY that names an earlier one, for an error too', async () => {
    for (const code of [http2.constants.NGHTTP2_NO_ERROR, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM]) {
      const { origin, peers } = await startFrames(
        identity,
        (peer) => peer.allow(100),
        (peer, { type, id }) => {
          if (type === HEADERS && peers.length === 1) peer.goaway(code, 0);
          else if (type === HEADERS) peer.answer(id);
        },
      );
      const { client } = watch(overH2(origin));
      expect((await client.post('/', { a: 1 })).data).toBe('ok');
      expect(peers).toHaveLength(2);
    }
  });
});
