/** Request bodies over axios's http adapter: whatever becomes of the request, the stream is let go of. */
import { Readable } from 'node:stream';
import axios, { type AxiosRequestConfig } from 'axios';
import { createUndiciAdapter } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';

import { pause, until } from '../../support/client.js';
import { closedPort, startTcp } from '../../support/upstream.js';

interface FormPackage extends NodeJS.ReadableStream {
  append(name: string, value: unknown): void;
}
const FormPackage = axios.defaults.env?.FormData as unknown as new () => FormPackage;

/** Never ends by itself. */
function endless(): Readable {
  return new Readable({
    read() {
      setTimeout(() => this.push(Buffer.alloc(1000)), 1);
    },
  });
}

/** Something to send, and whether it was let go of. */
const bodies: [string, () => { data: unknown; gone: () => boolean }][] = [
  [
    'a stream',
    () => {
      const data = endless();
      return { data, gone: () => data.destroyed };
    },
  ],
  [
    'a form with a stream in it',
    () => {
      const part = endless();
      const data = new FormPackage();
      data.append('file', part);
      return { data, gone: () => part.destroyed };
    },
  ],
  [
    'a web stream',
    () => {
      let gone = false;
      const data = new ReadableStream({
        pull: async (controller) => {
          await pause(1);
          controller.enqueue(new Uint8Array(1000));
        },
        cancel: () => {
          gone = true;
        },
      });
      return { data, gone: () => gone };
    },
  ],
  [
    'a generator',
    () => {
      let gone = false;
      const data = {
        [Symbol.asyncIterator]: () => data,
        next: async () => {
          await pause(1);
          return { done: false, value: Buffer.alloc(1000) };
        },
        return: async () => {
          gone = true;
          return { done: true, value: undefined };
        },
      };
      return { data, gone: () => gone };
    },
  ],
];

function sending(url: string, data: unknown, options: AxiosRequestConfig = {}): Promise<unknown> {
  const adapter = createUndiciAdapter();
  onTestFinished(() => adapter.destroy());
  // Directly: axios would make the JSON of a generator.
  return adapter({ url, method: 'post', data, headers: new axios.AxiosHeaders(), family: 4, ...options } as never);
}

const endings: [string, () => Promise<{ url: string; options?: AxiosRequestConfig }>][] = [
  [
    'is aborted',
    async () => {
      const { port } = await startTcp((socket) => void socket.resume());
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 30);
      return { url: `http://127.0.0.1:${port}`, options: { signal: controller.signal } };
    },
  ],
  ['is aborted beforehand', async () => ({ url: 'http://127.0.0.1:1', options: { signal: AbortSignal.abort() } })],
  [
    'times out',
    async () => {
      const { port } = await startTcp((socket) => void socket.resume());
      return { url: `http://127.0.0.1:${port}`, options: { timeout: 30 } };
    },
  ],
  [
    'meets a reset',
    async () => {
      const { port } = await startTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()));
      return { url: `http://127.0.0.1:${port}` };
    },
  ],
  ['finds no connection', async () => ({ url: `http://127.0.0.1:${await closedPort()}` })],
  [
    'is answered early, and the connection closed',
    async () => {
      const { port } = await startTcp((socket) => {
        socket.once('data', () =>
          socket.end('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
        );
        setTimeout(() => socket.destroy(), 50);
      });
      return { url: `http://127.0.0.1:${port}` };
    },
  ],
  [
    'is larger than maxBodyLength',
    async () => {
      const { port } = await startTcp((socket) => void socket.resume());
      return { url: `http://127.0.0.1:${port}`, options: { maxBodyLength: 100 } };
    },
  ],
  ['has a bad option', async () => ({ url: 'http://127.0.0.1:1', options: { socketPath: 7 } as never })],
];

describe.each(endings)('a request that %s', (_, begin) => {
  it.each(bodies)('lets go of %s', async (__, make) => {
    const { url, options } = await begin();
    const { data, gone } = make();
    await sending(url, data, options).catch(() => {});
    await until(gone);
    expect(gone()).toBe(true);
  });
});

describe('a generator that throws what is no error', () => {
  const values = ['text', 7, null, undefined, Symbol('a'), Object.freeze(new Error('frozen'))];
  const lanes = { 'the fast lane': { family: undefined }, 'axios’s adapter': { family: 4 } };

  describe.each(Object.entries(lanes))('on %s', (_, lane) => {
    it.each(values.flatMap((value) => [false, true].map((late) => ({ value, late }))))(
      'fails the call, and nothing else: $value, late: $late',
      async ({ value, late }) => {
        const { port } = await startTcp((socket) => void socket.resume());
        async function* broken() {
          if (late) {
            yield Buffer.from('begun');
            await pause(20);
          }
          throw value;
        }
        // An exception in a listener of the socket would end the process, and so fails this test.
        const error = await sending(`http://127.0.0.1:${port}`, broken(), lane as never).catch(
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(axios.AxiosError);
        if (lane.family === undefined) expect((error as Error).cause).toBe(value);
      },
    );
  });
});
