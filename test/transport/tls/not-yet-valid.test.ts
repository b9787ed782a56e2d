import { createHttpClient, createIdentity } from 'pillion';
import { expect, it, onTestFinished, vi } from 'vitest';
import { authority } from '../../support/certificates.js';
import { fakeTimers } from '../../support/clock.js';
import { startHttps } from '../../support/upstream.js';
import { dated, day, hour } from './dated.js';
import { mutual, showNameOnce, silent } from './rotating.js';
import { inPlace, type Pair } from './stores.js';

fakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });

async function early(wait: number) {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const store = inPlace(await dated('present', now - day, now + 90 * day));
  const { cert, key } = store;
  const identity = createIdentity({ cert, key, reload: { interval: '1h' } }, { logger: silent });
  onTestFinished(() => identity.close());
  const told: string[] = [];
  identity.on('identity.rejected', ({ message }) => told.push(message));
  identity.on('identity.rotated', ({ subject }) => told.push(`rotated to ${subject}`));
  const put = (pair: Pair) => {
    store.put(pair);
    return identity.refresh();
  };
  const future = await dated('future', now + wait, now + wait + 90 * day);
  return { identity, told, put, future };
}

const refused = expect.stringMatching(/tls\.cert \(.+\): it is not valid before/);

it.each([
  ['seconds', 3000],
  ['an hour', hour],
  ['40 days, more than a timer holds', 40 * day],
])('a certificate that is valid in %s is taken then, without a change of the files', async (_, wait) => {
  const { identity, told, put, future } = await early(wait);
  expect(put(future)).toBe(false);
  expect(told).toEqual([refused]);
  await vi.advanceTimersByTimeAsync(wait - 2000);
  expect(identity.stats()).toMatchObject({ generation: 1, subject: 'CN=present' });
  await vi.advanceTimersByTimeAsync(4000);
  expect(identity.stats()).toMatchObject({ generation: 2, subject: 'CN=future' });
  expect(told).toEqual([refused, 'rotated to CN=future']);
});

it('it is not waited for any more once another one has come', async () => {
  const { identity, told, put, future } = await early(hour);
  put(future);
  put(await dated('other', Date.now() - day, Date.now() + day));
  await vi.advanceTimersByTimeAsync(2 * hour);
  expect(identity.stats()).toMatchObject({ generation: 2, subject: 'CN=other' });
  expect(told).toEqual([refused, 'rotated to CN=other']);
});

it('nor once the identity is closed', async () => {
  const { identity, put, future } = await early(hour);
  put(future);
  identity.close();
  await vi.advanceTimersByTimeAsync(2 * hour);
  expect(identity.stats()).toMatchObject({ generation: 1, subject: 'CN=present' });
  expect(vi.getTimerCount()).toBe(0);
});

it('a client shows it to the server from then on', async () => {
  vi.useRealTimers();
  const ca = await authority('our CA');
  const server = await ca.issue({ name: 'server', dns: ['localhost'] });
  const { origin } = await startHttps(mutual(server, ca, { rejectUnauthorized: false }), showNameOnce);
  const store = inPlace(await dated('present', Date.now() - day, Date.now() + day));
  const identity = createIdentity(
    { cert: store.cert, key: store.key, ca: ca.cert, reload: { interval: '1h' } },
    { logger: silent },
  );
  onTestFinished(() => identity.close());
  const client = createHttpClient({ baseURL: origin, retry: false }, { identity, logger: silent });
  onTestFinished(() => client.close({ grace: 0 }));
  const rotated = new Promise((resolve) => client.on('identity.rotated', resolve));
  // Read before anything else has its turn: only its making takes some of the time.
  const start = Math.ceil(Date.now() / 1000) * 1000 + 2000;
  store.put(await dated('future', start, start + day));
  expect(identity.refresh()).toBe(false);
  expect((await client.get('/')).data).toBe('present');
  await rotated;
  expect(Date.now()).toBeGreaterThanOrEqual(start);
  expect((await client.get('/')).data).toBe('future');
});
