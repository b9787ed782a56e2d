/** A configuration that is prepared and never put in force asks nobody for endpoints. */
import type { Discovery } from 'pillion';
import { expect, it, onTestFinished } from 'vitest';
import { openClient } from '../../../src/client/client.js';
import { parseConfig } from '../../../src/client/config/config.js';
import { baseURL, rejection, silent } from '../../support/client.js';

/** Counts who is watching. */
class Watched implements Discovery {
  watching = 0;

  watch(update: Parameters<Discovery['watch']>[0]): () => void {
    this.watching++;
    update([{ address: '10.0.0.1:80' }]);
    return () => {
      this.watching--;
    };
  }
}

it('endpoints are looked for once a configuration is in force, not while it is prepared', () => {
  const discovery = new Watched();
  const config = parseConfig({ baseURL });
  const opened = openClient(config, { discovery, logger: silent });
  onTestFinished(() => opened.client.close());
  const changed: unknown[] = [];
  opened.client.on('endpoints.changed', (event) => changed.push(event));
  expect(discovery.watching).toBe(1);
  const balance = { strategy: 'random', slowStart: 0, panicThresholdPercent: 50, overprovisioningFactor: 1.4 } as const;
  opened.prepare({ ...config, balance }).discard();
  expect(discovery.watching).toBe(1);
  opened.prepare({ ...config, balance }).apply();
  expect(discovery.watching).toBe(1);
  opened.client.update({ baseURL });
  expect(discovery.watching).toBe(1);
  expect(changed).toEqual([]);
});

it('a source that throws, or cannot be ended, takes no client down: it has failed like any other', async () => {
  const throwing: Discovery = {
    watch: () => {
      throw new Error('no registry here');
    },
  };
  const { client } = openClient(parseConfig({ baseURL, retry: false, timeouts: { total: 100 } }), {
    discovery: throwing,
    logger: silent,
  });
  expect((client.stats().policies.balance as { lookups: object }).lookups).toMatchObject({
    failed: 1,
    lastError: 'no registry here',
  });
  expect((await rejection(client.get('/'))).code).toBe('ERR_DEADLINE');
  await client.close();
  const endless = { watch: (update: Parameters<Discovery['watch']>[0]) => update([{ address: '10.0.0.1:80' }]) };
  const other = openClient(parseConfig({ baseURL }), { discovery: endless as never, logger: silent });
  expect((other.client.stats().policies.balance as { lookups: object }).lookups).toMatchObject({ succeeded: 1 });
  await other.client.close();
});
