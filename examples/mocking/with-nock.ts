/** nock as people have it in their tests: while it is active it answers the requests of a client, policies included. */
import { fileURLToPath } from 'node:url';
import nock from 'nock';
import { createHttpClient, type HttpClientDeps } from 'pillion';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  nock('https://billing.test').get('/invoices/1').reply(503).get('/invoices/1').reply(200, { id: 1 });

  const client = createHttpClient({ baseURL: 'https://billing.test' }, deps);
  try {
    const { data } = await client.get('/invoices/1');
    return [`id ${data.id}`, `attempts ${client.stats().attempts}`, `all asked ${nock.isDone()}`];
  } finally {
    await client.close();
    nock.restore();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main()).join('\n'));
