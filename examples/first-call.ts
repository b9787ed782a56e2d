/** The smallest program: a server, a client, a call. The whole standard stack is on; one log line goes to stdout. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { pino } from 'pino';

interface Invoice {
  id: string;
  total: number;
}

export async function main(deps: HttpClientDeps = {}): Promise<Invoice> {
  // Stands for the billing API; its first answer is a 503, which the client repeats without being told.
  const answers = [503, 200];
  const server = createServer((_, response) => {
    response.writeHead(answers.shift() ?? 200, { 'content-type': 'application/json' });
    response.end('{"id":"INV-1","total":42}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  const client = createHttpClient({ name: 'billing', baseURL: `http://127.0.0.1:${port}` }, deps);
  try {
    const { data } = await client.get<Invoice>('/invoices/INV-1');
    return data;
  } finally {
    await client.close();
    server.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await main({ logger: pino() }));
