/** A policy of your own: signs every attempt anew, since a signature with a time in it is stale on a retry. */
import { createHmac } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { AxiosHeaders } from 'axios';
import { createHttpClient, type Policy } from 'pillion';
import { createMockTransport, type RecordedRequest } from 'pillion/testing';

/** A policy takes what comes next and stands around it; the inner function's name shows in stack traces. */
export function signing(secret: string, now: () => number = Date.now): Policy {
  return function signing(next) {
    return function signing(request) {
      const time = String(now());
      const text = [request.method, request.url, time, request.data ?? ''].join('\n');
      const signature = createHmac('sha256', secret).update(text).digest('hex');
      // What was handed in is left as it is: a copy goes on.
      const headers = new AxiosHeaders(request.headers).set({ 'x-time': time, 'x-signature': signature });
      return next({ ...request, headers });
    };
  };
}

export async function main(): Promise<readonly RecordedRequest[]> {
  const transport = createMockTransport([503, 200]);
  const config = { baseURL: 'https://billing.internal', logging: false } as const;
  let clock = 1000;
  const sign = signing('not-a-real-secret', () => clock++);
  const client = createHttpClient(config, { transport, perAttempt: [sign] });

  await client.put('/invoices/INV-1', { paid: true });
  await client.close();
  return transport.requests;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { attempt, headers } of await main()) console.log(attempt, headers['x-time'], headers['x-signature']);
}
