/** What becomes of calls while connections are dialed for them, and of a connection that nobody needs once it is ready. */
import { createServer } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import axios from 'axios';
import { createUndiciAdapter } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Connect } from '../../../src/transport/pool/connect.js';
import { Dispatch, type Job } from '../../../src/transport/pool/connection.js';
import { Pool, type PoolOptions } from '../../../src/transport/pool/pool.js';
import { rejection, until } from '../../support/client.js';
import { startTcp } from '../../support/upstream.js';

const unlimited = { maxConnections: 1000, maxConnectionAge: false, keepAliveTimeout: 4000 } as const;

/** A pool whose connections are ready only when the test says so; `dials` are in the order in which they began. */
async function poolOf(options: Partial<PoolOptions> = {}) {
  const served: string[] = [];
  const held: (() => void)[] = [];
  const connections: Socket[] = [];
  const server = createServer((request, response) => {
    served.push(`${request.url} on ${connections.indexOf(request.socket)}`);
    if (request.url === '/held') held.push(() => response.end());
    else response.end();
  }).on('connection', (socket) => connections.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dials: { ready(): Promise<void>; fail(): void; socket: Socket; reclaimed: number }[] = [];
  const h1: Connect = (_, callback) => {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {});
    const connected = new Promise((resolve) => socket.once('connect', resolve));
    const dial = {
      ready: async () => {
        await connected;
        callback(null, socket);
      },
      fail: () => callback(new Error('not reached'), null),
      socket,
      reclaimed: 0,
    };
    socket.on('reclaimed', () => dial.reclaimed++);
    dials.push(dial);
    return socket;
  };
  const destination = { origin: `http://127.0.0.1:${port}`, key: 'key', endpoint: undefined };
  const pool = new Pool(destination, { h1, h2: undefined, h2c: undefined }, { ...unlimited, ...options }, () => {});
  onTestFinished(async () => {
    await pool.destroy();
    server.closeAllConnections();
    server.close();
  });
  const jobs: Job[] = [];
  const call = (path: string) =>
    new Promise<string>((resolve) => {
      const job = {
        ...{ options: new Dispatch(path, 'GET', [], null), over: false },
        ...{ connection: undefined, dial: undefined, place: undefined },
        ...{ onRequestStart: () => {}, onResponseStart: () => {}, onResponseData: () => {} },
        onResponseEnd: () => resolve('answered'),
        onResponseError: (_: unknown, error: Error) => resolve(error.message),
      };
      jobs.push(job as Job);
      pool.dispatch(job as Job);
    });
  return { pool, call, jobs, dials, served, held, connections };
}

describe('a call for which a connection is dialed', () => {
  it('takes another one that becomes free first; its own is kept for the next call', async () => {
    const { pool, call, dials, served } = await poolOf();
    const calls = [call('/a'), call('/b')];
    expect(pool.stats()).toEqual({ connected: 0, free: 0, pending: 0, running: 2 });
    await dials[0]?.ready();
    expect(await Promise.all(calls)).toEqual(['answered', 'answered']);
    expect(served).toEqual(['/a on 0', '/b on 0']);
    await dials[1]?.ready();
    await until(() => pool.stats().free === 2);
    expect(await Promise.all([call('/c'), call('/d')])).toEqual(['answered', 'answered']);
    expect([dials.length, served.length]).toEqual([2, 4]);
  });

  it('does not fail by a dial that it no longer needs', async () => {
    const { pool, call, dials } = await poolOf();
    const calls = [call('/a'), call('/b')];
    await dials[0]?.ready();
    expect(await Promise.all(calls)).toEqual(['answered', 'answered']);
    dials[1]?.fail();
    await until(() => pool.stats().free === 1);
    expect(await call('/c')).toBe('answered');
    expect(dials).toHaveLength(2);
  });

  it('fails by its own dial, and the calls beside it do not', async () => {
    const { call, dials } = await poolOf();
    const calls = [call('/a'), call('/b')];
    dials[0]?.fail();
    expect(await calls[0]).toBe('not reached');
    await dials[1]?.ready();
    expect(await calls[1]).toBe('answered');
  });

  it('takes over a dial that no call needs any more, with the whole connect timeout', async () => {
    const { pool, call, dials, held } = await poolOf({ maxConnections: 2 });
    const first = [call('/a'), call('/held')];
    await dials[0]?.ready();
    await until(() => held.length === 1);
    const next = call('/c');
    expect(dials.map(({ reclaimed }) => reclaimed)).toEqual([1, 2]);
    expect(pool.stats()).toEqual({ connected: 1, free: 0, pending: 0, running: 2 });
    await dials[1]?.ready();
    expect(await next).toBe('answered');
    held[0]?.();
    expect(await Promise.all(first)).toEqual(['answered', 'answered']);
  });

  it('leaves its dial to the next call when it is given up, and ends it where there is none', async () => {
    const { pool, call, jobs, dials } = await poolOf({ maxConnections: 1 });
    void call('/a');
    void call('/b');
    pool.abort(jobs[0] as Job, new Error('given up'));
    expect(dials[0]?.socket.destroyed).toBe(false);
    pool.abort(jobs[1] as Job, new Error('given up'));
    expect(dials[0]?.socket.destroyed).toBe(true);
    expect(pool.stats()).toMatchObject({ pending: 0, running: 0 });
    dials[0]?.fail();
    const last = call('/c');
    await dials[1]?.ready();
    expect(await last).toBe('answered');
  });
});

describe('a connection that was not used yet', () => {
  it.each([
    ['sends something', (socket: Socket) => void socket.write('HTTP/1.1 408 Request Timeout\r\n\r\n')],
    ['ends', (socket: Socket) => void socket.end()],
  ])('is closed when its server %s, and no call takes that for its answer', async (_, act) => {
    const { pool, call, dials, connections, served } = await poolOf();
    const calls = [call('/a'), call('/b')];
    await dials[0]?.ready();
    await Promise.all(calls);
    await dials[1]?.ready();
    await until(() => pool.stats().free === 2);
    act(connections[1] as Socket);
    await until(() => pool.stats().connected === 1);
    expect(await call('/c')).toBe('answered');
    expect(served).toEqual(['/a on 0', '/b on 0', '/c on 0']);
  });

  it('is closed after keepAliveTimeout', async () => {
    const { pool, call, dials } = await poolOf({ keepAliveTimeout: 30 });
    void call('/a');
    void call('/held');
    await dials[0]?.ready();
    await dials[1]?.ready();
    await until(() => dials[1]?.socket.destroyed === true || dials[0]?.socket.destroyed === true);
    expect(pool.stats().running).toBe(1);
  });
});

describe('many calls at once on a pool without connections', () => {
  it('dial eight connections, and the first that is ready serves them all', async () => {
    const { call, dials, served } = await poolOf();
    const calls = Array.from({ length: 40 }, (_, index) => call(`/${index}`));
    expect(dials).toHaveLength(8);
    await dials[0]?.ready();
    expect(await Promise.all(calls)).toEqual(new Array(40).fill('answered'));
    expect(served).toEqual(Array.from({ length: 40 }, (_, index) => `/${index} on 0`));
  });

  it('all fail with ERR_CONNECT_TIMEOUT where the server accepts none, also those behind the first eight', async () => {
    const { port } = await startTcp(() => {});
    const adapter = createUndiciAdapter({ connectTimeout: 100 });
    onTestFinished(() => adapter.destroy());
    const client = axios.create({ adapter, proxy: false });
    const calls = Array.from({ length: 40 }, () => rejection(client.get(`https://127.0.0.1:${port}`)));
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    expect(codes).toEqual(new Array(40).fill('ERR_CONNECT_TIMEOUT'));
  });
});
