/** The admin page for the clients of a process: open the address that it prints, and watch an upstream that fails now and then. */
import { fileURLToPath } from 'node:url';
import { createHttpClient } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { createMockTransport, flaky, outage } from 'pillion/testing';

/** Calls two upstreams until `seconds` are over; gives what `/ready` and `/stats` said at the end. */
export async function main(seconds = 600, show = (_: string) => {}): Promise<string[]> {
  const logging = false;
  const answer = { delay: 20, data: { ok: true } };
  const billing = createHttpClient(
    { name: 'billing', baseURL: 'https://billing.internal', logging, circuitBreaker: { volumeThreshold: 10 } },
    { transport: createMockTransport([{ path: /./, reply: outage({ from: 20_000, to: 30_000, otherwise: answer }) }]) },
  );
  const users = createHttpClient(
    { name: 'users', baseURL: 'https://users.internal', logging },
    { transport: createMockTransport([{ path: /./, reply: flaky({ rate: 0.05, success: answer }) }]) },
  );

  await using admin = createAdmin([billing, users], { writable: true });
  const { url } = await admin.listen();
  show(`open ${url} (for ${seconds} seconds)`);

  const calls = setInterval(() => {
    for (const client of [billing, users]) client.get('/').catch(() => {});
  }, 25);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  clearInterval(calls);

  const ready = (await (await fetch(`${url}ready`)).json()) as { status: string };
  const metrics = await (await fetch(`${url}stats?format=prometheus`)).text();
  await Promise.all([billing.close(), users.close()]);
  return [
    `ready: ${ready.status}`,
    `metrics: ${/pillion_client_attempts_total\{client="billing"\} [1-9]/.test(metrics)}`,
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main(600, console.log)).join('\n'));
