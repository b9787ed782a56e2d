/** A server with mutual TLS 1.3 for `tls-turnover.mjs`, a process of its own: answers with `resumed` or `new`. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const { tls } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit());
const identity = { cert: readFileSync(tls.serverCert), key: readFileSync(tls.serverKey), ca: readFileSync(tls.ca) };
const options = { ...identity, requestCert: true, rejectUnauthorized: true, allowHTTP1: true };
const server = createSecureServer(options, ({ socket, stream }, response) => {
  response.end((stream?.session.socket ?? socket).isSessionReused() ? 'resumed' : 'new');
});
server.on('session', (session) => session.on('error', () => {}));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send({ port: server.address().port });
