/** A server with mutual TLS 1.3 for `tls-turnover.mjs`, a process of its own; a message asks for the counts of its connections. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const { tls } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit());
const identity = { cert: readFileSync(tls.serverCert), key: readFileSync(tls.serverKey), ca: readFileSync(tls.ca) };
const options = { ...identity, requestCert: true, rejectUnauthorized: true, allowHTTP1: true };
const server = createSecureServer(options, (_, response) => response.end('ok'));
let counts = { made: 0, resumed: 0 };
server.on('secureConnection', (socket) => {
  counts.made++;
  if (socket.isSessionReused()) counts.resumed++;
});
server.on('session', (session) => session.on('error', () => {}));
process.on('message', () => {
  process.send(counts);
  counts = { made: 0, resumed: 0 };
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send({ port: server.address().port });
