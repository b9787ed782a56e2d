/** The clock of a test with node:test: its mock timers move pillion's waits and deadlines. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createTestClient, retryAfter } from 'pillion/testing';

/** Lets promises settle before the clock moves. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a wait for Retry-After', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const client = createTestClient([retryAfter(3), 200]);
  const call = client.get('/');
  await settled();
  mock.timers.tick(3000);
  assert.equal((await call).status, 200);
  assert.equal(client.transport.requests.length, 2);
  mock.timers.reset();
});

test('a deadline', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const client = createTestClient(['hang'], { timeouts: { total: '8s', attempt: false } });
  const call = assert.rejects(client.get('/'), { code: 'ERR_DEADLINE' });
  await settled();
  mock.timers.tick(8000);
  await call;
  mock.timers.reset();
});

test('a wait that would outlast the deadline, for which performance.now has to move too', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const now = mock.method(performance, 'now', () => Date.now());
  const client = createTestClient([retryAfter(3), retryAfter(3)], { timeouts: { total: '5s', attempt: false } });
  const call = assert.rejects(client.get('/'), { status: 503 });
  await settled();
  mock.timers.tick(3000);
  await call;
  now.mock.restore();
  mock.timers.reset();
});
