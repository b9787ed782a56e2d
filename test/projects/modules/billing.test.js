import { createServer } from 'node:http';
import { createTestClient, requestMatchers } from 'pillion/testing';
import { createClient, totalOf } from './billing.js';

expect.extend(requestMatchers);

it('reads a total from a server', async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/invoices/42' ? 200 : 404).end('{"total":7}');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createClient(`http://127.0.0.1:${server.address().port}`);
  expect(await totalOf(client, '42')).toBe(7);
  expect(await totalOf(client, '43')).toBeUndefined();
  await client.close();
  server.close();
});

it('reads a total from a script', async () => {
  const client = createTestClient([503, { data: { total: 7 } }]);
  expect(await totalOf(client, '42')).toBe(7);
  expect(client).toHaveRequestedTimes(2, { path: '/invoices/42' });
});
