/**
 * The upstream, a process of its own: the same answers over plain HTTP and over mutual TLS.
 * It speaks HTTP/1.1 by hand, since node:http would be as slow as what is measured and share the machine with it.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { answer, sizes } from './cases.mjs';
import { RequestReader } from './http1.mjs';

const head = (type, length) =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: keep-alive\r\n\r\n`;
const json = JSON.stringify(answer);
const smallReply = Buffer.from(head('application/json', json.length) + json);
const largeReplies = new Map(
  Object.entries(sizes).map(([path, size]) => [
    path,
    Buffer.concat([Buffer.from(head('application/octet-stream', size)), Buffer.alloc(size, 'x')]),
  ]),
);

function serve(socket) {
  const reader = new RequestReader((path) => socket.write(largeReplies.get(path) ?? smallReply));
  socket.on('data', (chunk) => reader.feed(chunk));
  // A client that ends takes its connections along.
  socket.on('error', () => socket.destroy());
}

async function listen(server, host) {
  server.listen(0, host);
  await once(server, 'listening');
  return server.address().port;
}

const { host = '127.0.0.1', tls } = JSON.parse(process.argv[2]);
// Gone when the runner is, however it ended.
process.once('disconnect', () => process.exit());
const port = await listen(createServer({ noDelay: true }, serve), host);
let tlsPort;
if (tls !== undefined) {
  const identity = { cert: readFileSync(tls.serverCert), key: readFileSync(tls.serverKey), ca: readFileSync(tls.ca) };
  const server = createTlsServer({ ...identity, requestCert: true, rejectUnauthorized: true, noDelay: true }, serve);
  server.on('tlsClientError', (error) => console.error(`upstream: ${error.message}`));
  tlsPort = await listen(server, host);
}
process.send({ port, tlsPort });
