/** undici's MockAgent stands behind fetch, so axios's fetch adapter is the wire. */
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { getGlobalDispatcher, MockAgent, setGlobalDispatcher } from 'undici';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  const before = getGlobalDispatcher();
  const agent = new MockAgent();
  agent.disableNetConnect();
  setGlobalDispatcher(agent);
  const upstream = agent.get('https://billing.test');
  upstream.intercept({ path: '/invoices/1' }).reply(503);
  upstream
    .intercept({ path: '/invoices/1' })
    .reply(200, { id: 1 }, { headers: { 'content-type': 'application/json' } });

  const client = createHttpClient(
    { baseURL: 'https://billing.test' },
    { transport: axios.getAdapter('fetch'), ...deps },
  );
  try {
    const { data } = await client.get('/invoices/1');
    agent.assertNoPendingInterceptors();
    return [`id ${data.id}`, `attempts ${client.stats().attempts}`];
  } finally {
    await client.close();
    setGlobalDispatcher(before);
    await agent.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main()).join('\n'));
