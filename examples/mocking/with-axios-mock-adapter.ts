/** axios-mock-adapter as the wire: its handlers answer each attempt, and the policies above are the real ones. */
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { createHttpClient, type HttpClientDeps } from 'pillion';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  // Not on the client itself: there it would stand in place of the whole stack.
  const mock = new MockAdapter(axios.create() as never);
  mock.onGet('/invoices/1').replyOnce(503).onGet('/invoices/1').reply(200, { id: 1 });

  const transport = mock.adapter() as unknown as NonNullable<HttpClientDeps['transport']>;
  const client = createHttpClient({ baseURL: 'https://billing.test' }, { transport, ...deps });
  try {
    const { data } = await client.get('/invoices/1');
    return [`id ${data.id}`, `attempts ${client.stats().attempts}`, `asked ${mock.history.get?.length}`];
  } finally {
    await client.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main()).join('\n'));
