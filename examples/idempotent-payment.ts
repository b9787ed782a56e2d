/** A POST that may be repeated, as with Stripe: one key, one charge, also where the answer is lost on its way. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { pino } from 'pino';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  const charges: number[] = [];
  const answers = new Map<string, { body: string; answer: string }>();
  // Stands for the payment API: it remembers its answer by the key, and loses the first one on its way.
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const key = String(request.headers['idempotency-key'] ?? `none-${charges.length}`);
    const known = answers.get(key);
    if (known !== undefined && known.body !== body)
      return void response.writeHead(422).end('the key is of another payment');
    if (known === undefined) {
      charges.push(JSON.parse(body).amount);
      answers.set(key, { body, answer: JSON.stringify({ id: `ch_${charges.length}` }) });
      if (charges.length === 1) return void request.socket.destroy();
    }
    response.setHeader('content-type', 'application/json').end(answers.get(key)?.answer);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const payments = createHttpClient({ name: 'payments', baseURL: `http://127.0.0.1:${port}` }, deps);

  // Of the order, so that a second click on "pay" is the same payment; `true` would make a new key for each call.
  const idempotencyKey = 'order-42';
  const { data } = await payments.post('/charges', { amount: 42 }, { idempotencyKey });
  const other = await payments.post('/charges', { amount: 99 }, { idempotencyKey }).catch((error) => error.response);
  // Without a key a POST is never repeated.
  const lost = await payments.post('/charges', { amount: 7 }).catch((error) => error.code);

  const told = [`charge ${data.id}: ${charges.filter((amount) => amount === 42).length} time`];
  told.push(`another amount with its key: ${other.status}`, `without a key: ${lost.status ?? lost}`);
  told.push(`attempts: ${payments.stats().attempts}`);
  await payments.close();
  server.close();
  return told;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main({ logger: pino() })).join('\n'));
