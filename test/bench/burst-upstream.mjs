/** The server of `burst.mjs`, a process of its own: plain and with mutual TLS, and a port that tells and resets the connections it had. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

const { tls } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit());
const identity = { cert: readFileSync(tls.serverCert), key: readFileSync(tls.serverKey), ca: readFileSync(tls.ca) };
let opened = 0;
const answer = (request, response) => {
  const wait = Number(request.url.slice(1));
  if (wait === 0) response.end('{}');
  else setTimeout(() => response.end('{}'), wait);
};
const count = (_, response) => {
  response.setHeader('connection', 'close');
  response.end(String(opened));
  opened = 0;
};
const secure = { ...identity, requestCert: true, rejectUnauthorized: true };
const servers = [createServer(answer), createSecureServer(secure, answer), createServer(count)];
for (const server of servers) {
  if (server !== servers[2]) server.on('connection', () => opened++);
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
}
const [plain, mtls, control] = servers.map((server) => server.address().port);
process.send({ plain, mtls, control });
