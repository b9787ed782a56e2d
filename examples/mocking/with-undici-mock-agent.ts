/** undici's MockAgent as the global dispatcher answers the requests of a client, policies included. */
import { fileURLToPath } from 'node:url';
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

  const client = createHttpClient({ baseURL: 'https://billing.test' }, deps);
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
