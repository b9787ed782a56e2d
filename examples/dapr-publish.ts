/**
 * Publishing through a Dapr sidecar: who retries, and what its 204 says.
 *
 * 204 means that the broker has taken the message ("Message delivered", https://docs.dapr.io/reference/api/pubsub_api): not that a
 * subscriber has seen it. Delivery is at least once, so a subscriber gets some messages twice and has to know them by their
 * CloudEvent id. Dapr's components retry towards the broker by themselves, so a retry of ours would be multiplied by theirs: here
 * only what was provably not sent is repeated, which is what a POST without an idempotency key gets by default.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { pino } from 'pino';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  const delivered: { id: string; data: { order: number } }[] = [];
  const done = new Set<string>();
  let requests = 0;
  // Stands for daprd and its broker: takes events, fails once after it has passed one on, and delivers the first twice.
  const sidecar = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    requests++;
    const event = JSON.parse(text) as (typeof delivered)[number];
    delivered.push(event, ...(delivered.length === 0 ? [event] : []));
    response.writeHead(event.data.order === 2 ? 500 : 204).end();
  });
  await once(sidecar.listen(0, '127.0.0.1'), 'listening');
  const baseURL = `http://127.0.0.1:${(sidecar.address() as AddressInfo).port}/v1.0/publish/orderbroker`;
  const dapr = createHttpClient({ name: 'dapr', baseURL, headers: { 'dapr-api-token': 'not-a-real-token' } }, deps);

  const outcomes: string[] = [];
  for (const order of [1, 2]) {
    const event = { specversion: '1.0', type: 'order.placed', source: '/shop', id: `order-${order}`, data: { order } };
    const headers = { 'content-type': 'application/cloudevents+json' };
    const { status } = await dapr.post('/orders', JSON.stringify(event), { headers, validateStatus: null });
    // A 500 says "not known": the message may have gone out. Whoever publishes again does so with the same id.
    outcomes.push(`order ${order}: ${status === 204 ? 'the broker has it' : `${status}, perhaps sent`}`);
  }
  const handled = delivered.filter(({ id }) => !done.has(id) && done.add(id));
  outcomes.push(`${requests} requests, ${delivered.length} deliveries, ${handled.length} orders handled`);
  await dapr.close();
  sidecar.close();
  return outcomes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main({ logger: pino() })).join('\n'));
