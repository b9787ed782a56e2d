const { createServer } = require('node:http');
const { createTestClient, requestMatchers } = require('pillion/testing');
const { createClient, totalOf } = require('./billing');

expect.extend(requestMatchers);

it.each([{}, { family: 4 }])('reads a total from a server, and leaves nothing open: %j', async (options) => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/invoices/42' ? 200 : 404).end('{"total":7}');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createClient(`http://127.0.0.1:${server.address().port}`);
  client.defaults.family = options.family;
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
