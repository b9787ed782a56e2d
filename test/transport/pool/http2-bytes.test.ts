/** HTTP/2: every byte of an answer arrives, or its loss is told, however the body is read. */
import type { Readable } from 'node:stream';
import type { HttpClient } from 'pillion';
import { describe, expect, it } from 'vitest';
import { authority } from '../../support/certificates.js';
import { pause, type Rejected, rejection, watch } from '../../support/client.js';
import { DATA, HEADERS, type Peer, startFrames } from '../../support/h2-frames.js';

const ca = await authority('the test CA');
const identity = await ca.issue({ name: 'localhost', dns: ['localhost'] });
const config = (origin: string) => ({ baseURL: origin, allowH2: true, tls: { ca: ca.cert }, retry: false as const });

/** The ways of reading a body, each to its length. */
const readings: readonly [string, (client: HttpClient, path: string, body?: Buffer) => Promise<number>][] = [
  [
    'a buffer',
    async (client, url, body) =>
      (
        await client.request<ArrayBuffer>({
          url,
          method: body ? 'POST' : 'GET',
          data: body,
          responseType: 'arraybuffer',
        })
      ).data.byteLength,
  ],
  [
    'a stream',
    async (client, url, body) => {
      const { data } = await client.request<Readable>({
        url,
        method: body ? 'POST' : 'GET',
        data: body,
        responseType: 'stream',
      });
      return lengthOf(data);
    },
  ],
  [
    'a stream that is read late and slowly',
    async (client, url, body) => {
      const { data } = await client.request<Readable>({
        url,
        method: body ? 'POST' : 'GET',
        data: body,
        responseType: 'stream',
      });
      await pause(20);
      let length = 0;
      for await (const chunk of data) {
        length += chunk.length;
        await pause(2);
      }
      return length;
    },
  ],
  [
    'a response of fetch',
    async (client, url, body) =>
      (await (await client.fetch(url, body ? { method: 'POST', body } : {})).arrayBuffer()).byteLength,
  ],
];

async function lengthOf(body: Readable): Promise<number> {
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  return length;
}

/** The code of an error, or of what fetch wraps. */
function codesOf(error: Rejected): unknown[] {
  return [error.code, error.cause?.code, error.cause?.cause?.code];
}

/** Answers each request as `script` says; SETTINGS come first. */
function answering(script: (peer: Peer, id: number) => void) {
  return startFrames(
    identity,
    (peer) => peer.settings(),
    (peer, { type, id }) => {
      if (type === HEADERS) script(peer, id);
    },
  );
}

const head = (peer: Peer, id: number, ...more: [string, string | number][]) =>
  peer.headers(id, [[':status', 200], ...more]);

/** In frames of the largest size there is before SETTINGS allow more. */
function send(peer: Peer, id: number, length: number, ends = false): void {
  for (let left = length; left > 0; left -= 16_000)
    peer.data(id, Buffer.alloc(Math.min(left, 16_000)), ends && left <= 16_000);
}

/** What a body can break off by, after `length` bytes that have come. */
const breaks: readonly [string, (peer: Peer, id: number, length: number) => void][] = [
  [
    'is shorter than its content-length',
    (peer, id, length) => {
      head(peer, id, ['content-length', length + 1]);
      send(peer, id, length, true);
    },
  ],
  [
    'is longer than its content-length',
    (peer, id, length) => {
      head(peer, id, ['content-length', length - 1]);
      send(peer, id, length, true);
    },
  ],
  ...[0, 1, 2, 8].map((code): [string, (peer: Peer, id: number, length: number) => void] => [
    `is reset with code ${code}`,
    (peer, id, length) => {
      head(peer, id);
      send(peer, id, length);
      peer.reset(id, code);
    },
  ]),
  [
    'is left by a GOAWAY and the end of the connection',
    (peer, id, length) => {
      head(peer, id);
      send(peer, id, length);
      peer.goaway(0, id);
      peer.socket.end();
    },
  ],
  [
    'is left by a GOAWAY for an error',
    (peer, id, length) => {
      head(peer, id);
      send(peer, id, length);
      peer.goaway(2, id);
    },
  ],
  [
    'is left by the end of the connection',
    (peer, id, length) => {
      head(peer, id);
      send(peer, id, length);
      peer.socket.end();
    },
  ],
  [
    'is left by a reset of the connection',
    (peer, id, length) => {
      head(peer, id);
      send(peer, id, length);
      setTimeout(() => peer.socket.destroy(), 5);
    },
  ],
  [
    'is followed by garbage and the end of the connection',
    (peer, id, length) => {
      head(peer, id);
      send(peer, id, length);
      peer.socket.end(Buffer.alloc(64, 0xff));
    },
  ],
];

/** Answers that are whole, though it may not look so. */
const wholes: readonly [string, number, (peer: Peer, id: number) => void][] = [
  [
    'of its content-length',
    50_000,
    (peer, id) => {
      head(peer, id, ['content-length', 50_000]);
      send(peer, id, 50_000, true);
    },
  ],
  ...[0, 2, 8].map((code): [string, number, (peer: Peer, id: number) => void] => [
    `whose stream is reset with code ${code} after its end`,
    50_000,
    (peer, id) => {
      head(peer, id);
      send(peer, id, 50_000, true);
      peer.reset(id, code);
    },
  ]),
  [
    'whose connection ends right after it',
    50_000,
    (peer, id) => {
      head(peer, id);
      send(peer, id, 50_000, true);
      peer.goaway(0, id);
      peer.socket.end();
    },
  ],
  [
    'whose last frame is empty',
    50_000,
    (peer, id) => {
      head(peer, id);
      send(peer, id, 50_000);
      peer.data(id, '', true);
    },
  ],
  [
    'that ends with trailers',
    50_000,
    (peer, id) => {
      head(peer, id);
      send(peer, id, 50_000);
      peer.headers(id, [['x-checksum', 'abc']], true);
    },
  ],
  [
    'after informational ones',
    50_000,
    (peer, id) => {
      peer.headers(id, [[':status', 100]]);
      peer.headers(id, [
        [':status', 103],
        ['link', '</a.css>'],
      ]);
      head(peer, id);
      send(peer, id, 50_000, true);
    },
  ],
  [
    'of nothing',
    0,
    (peer, id) =>
      peer.headers(
        id,
        [
          [':status', 200],
          ['content-length', 0],
        ],
        true,
      ),
  ],
];

describe.each(readings)('An HTTP/2 answer read as %s', (_, read) => {
  it('arrives whole while uploads are running', async () => {
    const done: number[] = [];
    const answer = (peer: Peer) => {
      peer.socket.cork();
      for (const id of done.splice(0)) peer.answer(id, 'x'.repeat(1000));
      peer.socket.uncork();
    };
    const { origin } = await startFrames(
      identity,
      (peer) => peer.allow(1000),
      (peer, { type, ends, id }) => {
        if (type !== DATA || !ends) return;
        if (done.push(id) === 1) setTimeout(answer, 3, peer);
      },
    );
    const { client } = watch(config(origin));
    let left = 400;
    const lengths: number[] = [];
    const caller = async () => {
      while (left-- > 0) lengths.push(await read(client, '/', Buffer.alloc(60_000)));
    };
    await Promise.all(Array.from({ length: 80 }, caller));
    expect(lengths.filter((length) => length !== 1000)).toHaveLength(0);
  });

  it.each(breaks)('fails where it %s', async (_, breakOff) => {
    for (const length of [10, 60_000]) {
      const { origin } = await answering((peer, id) => breakOff(peer, id, length));
      const error = await rejection(read(watch(config(origin)).client, '/'));
      expect(codesOf(error)).toContain('ECONNRESET');
    }
  });

  it.each(wholes)('arrives whole where it is one %s', async (_, length, script) => {
    const { origin } = await answering(script);
    expect(await read(watch(config(origin)).client, '/')).toBe(length);
  });
});

describe('An HTTP/2 answer without a body', () => {
  it.each([
    ['HEAD', 200],
    ['GET', 304],
  ] as const)('may name a length, by %s with status %i', async (method, status) => {
    const { origin } = await answering((peer, id) =>
      peer.headers(
        id,
        [
          [':status', status],
          ['content-length', 5000],
        ],
        true,
      ),
    );
    const { client } = watch(config(origin));
    for (const responseType of ['arraybuffer', 'stream'] as const) {
      const response = await client.request({ method, url: '/', responseType, validateStatus: () => true });
      expect(response.status).toBe(status);
      expect(response.headers['content-length']).toBe('5000');
      expect(responseType === 'stream' ? await lengthOf(response.data) : response.data.length).toBe(0);
    }
  });

  it.each([
    ['HEAD', 200, 'at once', (peer: Peer, id: number) => peer.data(id, 'hello', true)],
    ['HEAD', 200, 'late', (peer: Peer, id: number) => setTimeout(() => peer.data(id, 'hello', true), 30)],
    ['HEAD', 200, 'never', () => {}],
    ['GET', 304, 'at once', (peer: Peer, id: number) => peer.data(id, 'hello', true)],
    ['GET', 304, 'never', () => {}],
    ['POST', 204, 'never', () => {}],
    ['POST', 204, 'at once', (peer: Peer, id: number) => peer.data(id, '', true)],
  ] as const)('ends at its headers, whatever comes behind them: %s, %i, %s', async (method, status, _, more) => {
    let first = true;
    const { origin } = await answering((peer, id) => {
      if (!first) return peer.answer(id);
      first = false;
      peer.headers(id, [[':status', status], ...(status === 204 ? [] : [['content-length', 5] as const])]);
      return more(peer, id);
    });
    const { client } = watch(config(origin));
    const response = await client.request({ method, url: '/', validateStatus: null });
    expect([response.status, response.data]).toEqual([status, '']);
    // Node 22 and later end the whole connection for such bytes, Node 20 the stream.
    await pause(50);
    expect((await client.get('/')).data).toBe('ok');
  });

  it('is a failure where there are no headers either', async () => {
    const { origin } = await answering((peer, id) => peer.reset(id, 0));
    const { client } = watch(config(origin));
    expect((await rejection(client.get('/'))).code).toBe('ECONNRESET');
    expect((await rejection(client.post('/', Buffer.alloc(200_000)))).code).toBe('ECONNRESET');
  });
});

describe('An HTTP/2 answer that nobody reads', () => {
  it.each([404, 200])(
    'holds no place once it has arrived, and leaves its connection in use: status %i',
    async (status) => {
      const { origin, peers } = await answering((peer, id) => {
        peer.headers(id, [[':status', status]]);
        send(peer, id, 60_000, true);
      });
      const { client } = watch({
        ...config(origin),
        limits: { maxPendingRequests: 1 },
        connections: { maxConnections: 2 },
      });
      for (let i = 0; i < 50; i++) {
        const { status: told } =
          i % 2 ? await client.fetch('/') : await client.get('/', { responseType: 'stream', validateStatus: null });
        expect(told).toBe(status);
      }
      expect(peers).toHaveLength(1);
    },
  );
});

describe('The headers of an HTTP/2 answer', () => {
  it('are as in HTTP/1.1: set-cookie is a list, others that come twice are joined', async () => {
    const { origin } = await answering((peer, id) => {
      head(peer, id, ['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['vary', 'accept'], ['vary', 'cookie']);
      peer.data(id, 'ok', true);
    });
    const { headers } = await watch(config(origin)).client.get('/');
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(headers.vary).toBe('accept, cookie');
    expect(Object.keys(headers).filter((name) => name.startsWith(':'))).toEqual([]);
  });
});
