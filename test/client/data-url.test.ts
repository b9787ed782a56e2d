import { context, propagation, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { createHttpClient } from 'pillion';
import { describe, expect, it } from 'vitest';
import { rejection, silent } from '../support/client.js';
import { closedPort } from '../support/upstream.js';

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
    for (const api of [trace, context, propagation]) api.disable();
  });

  it('is a path like any other where there is a baseURL', async () => {
    const baseURL = `http://127.0.0.1:${await closedPort()}`;
    const client = createHttpClient({ baseURL, retry: false }, { logger: silent });
    expect(await rejection(client.get('data:text/plain,abc'))).toMatchObject({
      code: 'ECONNREFUSED',
      url: `${baseURL}/data:text/plain,abc`,
    });
    await client.close();
  });
});
