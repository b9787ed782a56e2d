import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assertRequested, createTestClient, type RequestMatchers, requestMatchers } from 'pillion/testing';
import { BillingService, createBilling } from './billing.service';

declare global {
  namespace jest {
    interface Matchers<R, T> extends RequestMatchers<R> {}
  }
}
expect.extend(requestMatchers);

describe('on a server', () => {
  let server: Server;
  let service: BillingService;
  let failures = 1;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const status = failures-- > 0 ? 503 : request.url === '/invoices/42' ? 200 : 404;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"total":7}');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    service = createBilling(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterAll(async () => {
    await service.close();
    server.close();
  });

  it('reads a total, after a failure', async () => {
    expect(await service.total('42')).toBe(7);
  });

  it('knows the AxiosError of the application', async () => {
    expect(await service.total('43')).toBeUndefined();
  });
});

describe('on a script', () => {
  it('reads a total, after a failure', async () => {
    const client = createTestClient([503, { data: { total: 7 } }]);
    expect(await new BillingService(client).total('42')).toBe(7);
    assertRequested(client, { path: '/invoices/42', headers: { accept: expect.stringContaining('json') } }, 2);
    expect(client).toHaveRequested({ path: /^\/invoices/ });
  });

  it('meets its deadline when the fake clock does', async () => {
    jest.useFakeTimers();
    const client = createTestClient(['hang'], { timeouts: { attempt: false, total: '3s' } });
    const failure = new BillingService(client).total('42').catch(({ code }: { code: string }) => code);
    await jest.advanceTimersByTimeAsync(3000);
    jest.useRealTimers();
    expect(await failure).toBe('ERR_DEADLINE');
  });

  it('replaces one method', async () => {
    const client = createTestClient([{ data: { total: 7 } }]);
    const get = jest.spyOn(client, 'get').mockResolvedValue({ data: { total: 8 } });
    expect(await new BillingService(client).total('42')).toBe(8);
    get.mockRestore();
    expect(await new BillingService(client).total('42')).toBe(7);
  });
});
