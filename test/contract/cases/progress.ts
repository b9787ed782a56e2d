/** Progress of uploads and downloads. */
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { AxiosProgressEvent } from 'axios';
import { expect } from 'vitest';
import { type Case, once } from '../case.js';
import { echoed } from '../outcomes.js';
import { sends } from '../server.js';

const length = 1 << 20;
/** Listeners are called on the next turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

function download(config: object, answer = sends({ body: Buffer.alloc(length) })): Case['run'] {
  return async ({ http, serve }) => {
    const events: AxiosProgressEvent[] = [];
    const onDownloadProgress = (event: AxiosProgressEvent) => void events.push(event);
    await http.get(serve(answer), { onDownloadProgress, responseType: 'arraybuffer', ...config });
    await turn();
    return summary(events);
  };
}

function upload(data: () => unknown): Case['run'] {
  return async ({ http }) => {
    const events: AxiosProgressEvent[] = [];
    const onUploadProgress = (event: AxiosProgressEvent) => void events.push(event);
    const headers = { 'Content-Type': 'text/plain' };
    await echoed(http.post('/echo', data(), { onUploadProgress, headers }));
    await turn();
    return summary(events);
  };
}

/** The last event, and whether each says more than the one before. */
function summary(events: AxiosProgressEvent[]): object {
  const last = events.at(-1);
  const bytes = events.reduce((sum, event) => sum + event.bytes, 0);
  const grows = events.every((event, at) => event.loaded >= (events[at - 1]?.loaded ?? 0));
  return { loaded: last?.loaded, total: last?.total, progress: last?.progress, bytes, grows };
}

const all = { loaded: length, total: length, progress: 1, bytes: length, grows: true };
const unknown = { ...all, total: undefined, progress: undefined };

export const progress: readonly Case[] = [
  { name: 'a download tells of its progress up to the end', run: download({}), expect: all },
  {
    name: 'a download of unknown length has no total',
    run: download({}, (_, response) => {
      response.write(Buffer.alloc(length / 2));
      response.end(Buffer.alloc(length / 2));
    }),
    expect: unknown,
  },
  {
    name: 'a compressed download counts the bytes on the wire',
    run: async (wire) => {
      const body = zlib.gzipSync(Buffer.alloc(length, 'abc'));
      const told = await download({}, sends({ body, headers: { 'content-encoding': 'gzip' } }))(wire);
      return (told as { loaded: number }).loaded === body.length;
    },
    expect: true,
  },
  { name: 'an upload of bytes tells of its progress', run: upload(() => Buffer.alloc(length)), expect: all },
  { name: 'an upload of text tells of its progress', run: upload(() => 'a'.repeat(length)), expect: all },
  {
    name: 'an upload of a stream has no total',
    run: upload(() => Readable.from([Buffer.alloc(length / 2), Buffer.alloc(length / 2)])),
    expect: unknown,
  },
  {
    name: 'an upload of a form tells of its progress',
    run: async (wire) => {
      const form = new FormData();
      form.append('file', new Blob([Buffer.alloc(length)]));
      const { loaded, total } = (await upload(() => form)(wire)) as { loaded: number; total: number };
      return loaded === total && total > length;
    },
    expect: true,
  },
  {
    name: 'an event has these properties',
    only: once,
    run: async ({ http, serve }) => {
      const events: AxiosProgressEvent[] = [];
      await http.get(serve(sends({ body: '12345' })), { onDownloadProgress: (event) => void events.push(event) });
      await turn();
      return events.at(-1);
    },
    expect: expect.objectContaining({
      loaded: 5,
      total: 5,
      progress: 1,
      bytes: 5,
      download: true,
      lengthComputable: true,
      event: { lengthComputable: true, total: 5, loaded: 5 },
    }),
  },
  {
    name: 'events come a few times a second, not for each chunk',
    only: once,
    run: async ({ http, serve }) => {
      let events = 0;
      await http.get(serve(sends({ body: Buffer.alloc(8 << 20) })), {
        responseType: 'arraybuffer',
        onDownloadProgress: () => void events++,
      });
      await turn();
      return events > 0 && events < 10;
    },
    expect: true,
  },
];
