const assert = require('node:assert/strict');
const { createServer } = require('node:http');
const { test } = require('node:test');
const { AxiosError } = require('axios');
const { createHttpClient } = require('pillion');
const { assertRequested, createTestClient } = require('pillion/testing');

test('calls a server', async () => {
  const server = createServer((_, response) => response.writeHead(404).end('{"total":7}'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createHttpClient({ baseURL: `http://127.0.0.1:${server.address().port}`, logging: false });
  await assert.rejects(client.get('/'), (error) => error instanceof AxiosError && error.response.data.total === 7);
  await client.close();
  server.close();
});

test('is answered by a script', async () => {
  const client = createTestClient([503, { data: { total: 7 } }]);
  assert.deepEqual((await client.get('/invoices/42')).data, { total: 7 });
  assertRequested(client, { path: '/invoices/42' }, 2);
});
