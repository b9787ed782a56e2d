/** How to test code that uses a client: the wire is scripted, the retries are the real ones. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { createHttpClient, type HttpClient } from 'pillion';
import { createMockTransport } from 'pillion/testing';

/** The code under test, as it stands in a service: it is handed its client. */
export class Invoices {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** Pays an invoice once, however often the request has to be sent. */
  async pay(id: string, cents: number): Promise<string> {
    const body = { cents };
    const { data } = await this.#http.post<{ receipt: string }>(`/invoices/${id}/payments`, body, {
      idempotencyKey: `pay-${id}`,
    });
    return data.receipt;
  }
}

/** A test, with any runner or none. */
export async function main(): Promise<string> {
  const transport = createMockTransport([503, { error: 'ECONNRESET' }, { status: 201, data: { receipt: 'R-7' } }]);
  // `random: () => 0` takes the jitter out: every wait is 0 ms.
  const deps = { transport, random: () => 0 };
  const client = createHttpClient({ baseURL: 'https://billing.internal', logging: false }, deps);

  const receipt = await new Invoices(client).pay('INV-1', 4200);

  assert.equal(receipt, 'R-7');
  assert.deepEqual(
    transport.requests.map(({ attempt }) => attempt),
    [1, 2, 3],
  );
  for (const { method, path, headers, body } of transport.requests) {
    assert.deepEqual([method, path, body], ['POST', '/invoices/INV-1/payments', { cents: 4200 }]);
    assert.equal(headers['idempotency-key'], 'pay-INV-1');
  }
  transport.assertDone();
  await client.close();
  return receipt;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await main());
