import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { createHttpClient } from 'pillion';
import { describe, expect, it } from 'vitest';
import { rejection, silent } from './scripted.js';

describe('a data: URL, which has no origin', () => {
  const call = async () => {
    const client = createHttpClient({}, { logger: silent });
    const { data } = await client.get('data:text/plain,abc', { responseType: 'text' });
    await client.close();
    return data;
  };

  it("is answered by axios's http adapter where there is no baseURL", async () => {
    expect(await call()).toBe('abc');
  });

  it('is answered too while spans are made', async () => {
    const provider = new NodeTracerProvider();
    provider.register();
    expect(await call()).toBe('abc');
    await provider.shutdown();
  });

  it('is a path like any other where there is a baseURL', async () => {
    const client = createHttpClient({ baseURL: 'http://127.0.0.1:1', retry: false }, { logger: silent });
    expect(await rejection(client.get('data:text/plain,abc'))).toMatchObject({
      code: 'ECONNREFUSED',
      url: 'http://127.0.0.1:1/data:text/plain,abc',
    });
    await client.close();
  });
});
