/** The stream of snapshots under bad readers: slow ones, dead ones, and those who leave. */
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EventStream } from '../../src/admin/event-stream.js';
import type { Snapshot } from '../../src/admin/snapshot.js';
import { fakeTimers } from '../support/clock.js';

fakeTimers({ toFake: ['setInterval', 'clearInterval'] });

/** What is on its way through sockets arrives meanwhile. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

async function seconds(count: number): Promise<void> {
  for (let second = 0; second < count; second++) {
    vi.advanceTimersByTime(1000);
    await turns(5);
  }
}

/** A stream of numbered snapshots of a size, and one who watches. */
async function streaming(bytes: number, create: typeof http.createServer = http.createServer) {
  const state = { taken: 0, fails: false };
  const take = () => {
    if (state.fails) throw new Error('no figures');
    return { number: ++state.taken, pad: 'x'.repeat(bytes) } as unknown as Snapshot;
  };
  const stream = new EventStream({ take, over: false });
  const responses: http.ServerResponse[] = [];
  const server = create((request: http.IncomingMessage, response: http.ServerResponse) => {
    responses.push(response);
    stream.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    stream.close();
    server.closeAllConnections?.();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const watch = () =>
    new Promise<http.IncomingMessage>((resolve, reject) => {
      http.get({ port, host: '127.0.0.1', agent: false }, resolve).on('error', reject);
    });
  return { state, stream, responses, server, port, watch };
}

describe('one who reads', () => {
  it('slowly gets fewer snapshots, each of them whole, and no buffer grows', async () => {
    const bytes = 500_000;
    const { state, stream, responses, watch } = await streaming(bytes);
    const reader = await watch();
    let most = 0;
    for (let second = 0; second < 25; second++) {
      await seconds(1);
      most = Math.max(most, responses[0]?.writableLength ?? 0);
    }
    expect(state.taken).toBe(26);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(bytes + 20_000);

    let text = '';
    reader.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    while (responses[0]?.writableNeedDrain) await turns(1);
    await seconds(1);
    stream.close();
    await new Promise((resolve) => reader.once('end', resolve));
    const numbers = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(String(json)).number as number);
    expect(numbers.length).toBeLessThan(26);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBe(27);
  });

  it('not at all is let go after half a minute, and its place is free', async () => {
    const { responses, watch } = await streaming(2_000_000);
    const reader = await watch();
    reader.on('error', () => {});
    while (!responses[0]?.writableNeedDrain) await seconds(1);
    await seconds(20);
    expect(responses[0]?.destroyed).toBe(false);
    await seconds(12);
    expect(responses[0]?.destroyed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('not at all does not hold up a server that closes, and leaves no timer', async () => {
    const { responses, server, watch } = await streaming(2_000_000);
    (await watch()).on('error', () => {});
    while (!responses[0]?.writableNeedDrain) await seconds(1);
    const closed = new Promise((resolve) => server.close(resolve));
    await seconds(1);
    expect(responses[0]?.destroyed).toBe(true);
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('not at all is let go of when the streams are closed while the server stays', async () => {
    const { stream, responses, watch } = await streaming(2_000_000);
    (await watch()).on('error', () => {});
    while (!responses[0]?.writableNeedDrain) await seconds(1);
    stream.close();
    await seconds(1);
    expect(responses[0]?.destroyed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('not at all over HTTP/2 grows no buffer either, and is let go', async () => {
    const bytes = 500_000;
    const { responses, port } = await streaming(bytes, http2.createServer as never);
    const session = http2.connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    session.request({ ':path': '/' }).on('error', () => {});
    while (responses.length === 0) await turns(1);
    await seconds(20);
    expect(responses[0]?.writableLength).toBeLessThan(bytes + 20_000);
    await seconds(20);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('in time stays, however long', async () => {
    const { responses, watch } = await streaming(100);
    (await watch()).resume();
    await seconds(200);
    expect(responses[0]?.destroyed).toBe(false);
  });
});

describe('snapshots', () => {
  it('are taken and timed only while somebody watches', async () => {
    const { state, watch } = await streaming(100);
    expect({ ...state, timers: vi.getTimerCount() }).toMatchObject({ taken: 0, timers: 0 });
    const [first, second] = [await watch(), await watch()];
    await seconds(3);
    // One for both.
    expect({ ...state, timers: vi.getTimerCount() }).toMatchObject({ taken: 4, timers: 1 });
    first.destroy();
    second.destroy();
    while (vi.getTimerCount() > 0) await turns(1);
    await seconds(5);
    expect({ ...state, timers: vi.getTimerCount() }).toMatchObject({ taken: 4, timers: 0 });
    (await watch()).destroy();
    expect(state.taken).toBe(5);
  });

  it('that cannot be taken end neither the stream nor the process', async () => {
    const { state, watch } = await streaming(10);
    const reader = await watch();
    let text = '';
    reader.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    state.fails = true;
    await seconds(2);
    state.fails = false;
    await seconds(1);
    await turns(20);
    expect(text).toMatch(/"number":1.*\n\n: no snapshot\n\n: no snapshot\n\ndata: .*"number":2/);
  });

  it('pass through what would hold them back', async () => {
    const { watch } = await streaming(10);
    const { headers } = await watch();
    expect(headers).toMatchObject({ 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' });
  });
});
