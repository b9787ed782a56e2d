/** What a mirror does to the latency of the calls it copies a tenth of, whatever becomes of the copies. */
import http from 'node:http';
import { createHttpClient } from 'pillion';
import { nowhere } from './axios-variants.mjs';

const { rounds, calls } = JSON.parse(process.argv[2]);

async function listen(handler) {
  const server = http.createServer(handler);
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

const well = await listen((request, response) => {
  request.resume().once('end', () => response.end('{"ok":true}'));
});
const hanging = await listen(() => {});
const failing = await listen((_request, response) => {
  response.statusCode = 500;
  response.end();
});

const clientWith = (mirror) => {
  const config = { baseURL: well.url, ...(mirror && { mirror: [{ fraction: 0.1, timeout: '1s', ...mirror }] }) };
  return createHttpClient(config, { logger: nowhere() });
};
const clients = {
  'no mirror': clientWith(),
  'copies succeed': clientWith({ baseURL: well.url }),
  'copies hang': clientWith({ baseURL: hanging.url }),
  'copies fail': clientWith({ baseURL: failing.url }),
  'copies are refused': clientWith({ baseURL: 'http://127.0.0.1:1' }),
};

const latencies = Object.fromEntries(Object.keys(clients).map((name) => [name, []]));

async function caller(client, list) {
  for (let call = 0; call < calls; call++) {
    const startedAt = performance.now();
    await client.get('/');
    list?.push(performance.now() - startedAt);
  }
}

for (let round = 0; round < rounds + 2; round++)
  for (const [name, client] of Object.entries(clients)) {
    // Two rounds to warm up.
    const list = round < 2 ? undefined : latencies[name];
    await Promise.all(Array.from({ length: 4 }, () => caller(client, list)));
  }

const rows = Object.entries(latencies).map(([name, list]) => {
  list.sort((a, b) => a - b);
  return [name, { p50: list[list.length >> 1], p99: list[Math.floor(list.length * 0.99)] }];
});
process.send(Object.fromEntries(rows), () => process.exit());
