/** What a single call may say for itself. The wire is scripted, so that each option shows what it does. */
import { fileURLToPath } from 'node:url';
import { isAxiosError } from 'axios';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { pino } from 'pino';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  const transport = createMockTransport([
    { path: '/payments', reply: [503, 201] },
    { path: '/rates', reply: [503, 200] },
    { path: '/flaky', reply: [425, 425, 425, 200] },
    { path: '/slow', reply: 'hang' },
    { path: /^\/invoices\//, reply: 200 },
  ]);
  const client = createHttpClient({ baseURL: 'https://billing.internal' }, { ...deps, transport });
  const results: string[] = [];
  const tell = async (option: string, call: Promise<{ status: number }>) => {
    const outcome = await call.then(({ status }) => String(status), codeOf);
    results.push(`${option}: ${outcome}`);
  };

  // A POST is repeated only with a key; the same one goes out on every attempt.
  await tell('idempotencyKey', client.post('/payments', { cents: 4200 }, { idempotencyKey: 'pay-INV-1' }));
  // No second attempt, whatever happens.
  await tell('retry: false', client.get('/rates', { retry: false }));
  // Another plan for this call; what is left out stays as the client has it.
  await tell('retry', client.get('/flaky', { retry: { maxRetries: 3, on: [425], backoff: { base: 5 } } }));
  // Other timeouts; axios's own `timeout` bounds the whole call too.
  await tell('timeouts', client.get('/slow', { timeouts: { attempt: '20ms' }, retry: false }));
  await tell('timeout', client.get('/slow', { timeout: 20 }));
  // The caller gives up: at once, and without harm to the circuit.
  await tell('signal', client.get('/slow', { signal: AbortSignal.timeout(20) }));
  // Ids make bad labels: spans and log lines get this one.
  await tell('routeName', client.get('/invoices/INV-1', { routeName: '/invoices/{id}' }));

  await client.close();
  return results;
}

function codeOf(error: unknown): string {
  if (!isAxiosError(error)) throw error;
  return String(error.response?.status ?? error.code);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main({ logger: pino() })).join('\n'));
