/** msw as people have it in their tests: while its server listens it answers a client's requests, policies included. */
import { fileURLToPath } from 'node:url';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { createHttpClient, type HttpClientDeps } from 'pillion';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  let asked = 0;
  const answer = () => (++asked === 1 ? new HttpResponse(null, { status: 503 }) : HttpResponse.json({ id: 1 }));
  const server = setupServer(http.get('https://billing.test/invoices/1', answer));
  server.listen({ onUnhandledRequest: 'error' });

  const client = createHttpClient({ baseURL: 'https://billing.test' }, deps);
  try {
    const { data } = await client.get('/invoices/1');
    return [`id ${data.id}`, `attempts ${client.stats().attempts}`, `asked ${asked}`];
  } finally {
    await client.close();
    server.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main()).join('\n'));
