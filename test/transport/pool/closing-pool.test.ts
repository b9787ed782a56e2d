/** A pool that is closing, as after a rotation, while requests of redirects still come: over sockets that never connect. */
import { describe, expect, it } from 'vitest';
import type { Connect } from '../../../src/transport/pool/connect.js';
import type { Job } from '../../../src/transport/pool/connection.js';
import { Pool } from '../../../src/transport/pool/pool.js';

function scene() {
  const sockets: { destroyed: boolean }[] = [];
  const connect = (() => {
    const socket = {
      destroyed: false,
      destroy() {
        socket.destroyed = true;
      },
    };
    sockets.push(socket);
    return socket;
  }) as unknown as Connect;
  const origin = 'https://a.test';
  const options = { maxConnections: 10, maxConnectionAge: false, keepAliveTimeout: 1000 } as const;
  const pool = new Pool(
    { origin, key: origin, endpoint: undefined },
    { h1: connect, h2: connect, h2c: undefined },
    options,
    () => {},
  );
  return { pool, sockets };
}

const job = () => ({ options: {}, connection: undefined, over: false }) as unknown as Job;
const why = new Error('aborted');

describe('a pool that closes while its first connection is being made', () => {
  it('makes another one for a request that comes later: the first takes none', async () => {
    const { pool, sockets } = scene();
    const [first, later] = [job(), job()];
    pool.dispatch(first);
    const closed = pool.close();
    pool.dispatch(later);
    expect(sockets).toHaveLength(2);
    pool.abort(first, why);
    pool.abort(later, why);
    await closed;
    await pool.close();
    expect(sockets).toEqual([
      expect.objectContaining({ destroyed: true }),
      expect.objectContaining({ destroyed: true }),
    ]);
    expect(pool.stats()).toEqual({ connected: 0, free: 0, pending: 0, running: 0 });
  });

  it('is closed once the last request in its queue was aborted', async () => {
    const { pool, sockets } = scene();
    const [first, queued] = [job(), job()];
    pool.dispatch(first);
    pool.dispatch(queued);
    const closed = pool.close();
    pool.abort(queued, why);
    pool.abort(first, why);
    await closed;
    expect(sockets).toEqual([expect.objectContaining({ destroyed: true })]);
  });
});
