/** A configuration that is prepared and never put in force asks nobody for endpoints. */
import type { Discovery } from 'pillion';
import { expect, it, onTestFinished } from 'vitest';
import { openClient } from '../../src/client.js';
import { parseConfig } from '../../src/config/schema.js';
import { baseURL, silent } from '../client/scripted.js';

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
  opened.prepare({ ...config, balance: { policy: 'random', slowStart: 0, panicThreshold: 50 } }).discard();
  expect(discovery.watching).toBe(1);
  opened.prepare({ ...config, balance: { policy: 'random', slowStart: 0, panicThreshold: 50 } }).apply();
  expect(discovery.watching).toBe(1);
  opened.client.update({ baseURL });
  expect(discovery.watching).toBe(1);
  expect(changed).toEqual([]);
});
