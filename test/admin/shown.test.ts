/** shownConfig: what is in force, without what is secret. */
import { createHttpClient, loadHttpClients } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { shownConfig } from '../../src/admin/shown.js';

const env = { API_TOKEN: 's3cr3t-token', HOST: 'billing.test' };

describe('the configuration that is shown', () => {
  it('has the options of each client, defaults included, as plain JSON', () => {
    const shown = shownConfig([createHttpClient({ name: 'a', baseURL: 'http://a.test', retry: { maxRetries: 1 } })]);
    expect(shown.a).toMatchObject({
      baseURL: 'http://a.test',
      timeouts: { total: 10_000 },
      retry: { maxRetries: 1, backoff: { base: 50 } },
    });
    expect(JSON.parse(JSON.stringify(shown))).toEqual(shown);
  });

  it('masks headers, passphrases, key material and credentials in URLs', () => {
    const config = {
      baseURL: 'http://user:hunter2@a.test',
      headers: { authorization: 'Bearer s3cr3t' },
    };
    const text = JSON.stringify(shownConfig([createHttpClient(config)]));
    expect(text).not.toMatch(/s3cr3t|hunter2/);
    expect(text).toContain('"authorization":"***"');
  });

  it('masks what a reference gave, and nothing beside it', () => {
    const clients = { a: { baseURL: 'http://${HOST}', name: undefined, tracing: { requestIdHeader: 'x-id' } } };
    const registry = loadHttpClients(
      {
        clients: {
          a: { baseURL: clients.a.baseURL, headers: { 'x-key': '${API_TOKEN}' } },
          b: { baseURL: 'http://b.test' },
        },
      },
      { env },
    );
    onTestFinished(() => registry.close());
    const text = JSON.stringify(shownConfig(registry));
    expect(text).not.toContain(env.API_TOKEN);
    expect(text).not.toContain(env.HOST);
    expect(text).toContain('http://b.test');
  });
});
