/**
 * The upstream of the studies about HTTP/2, a process of its own, over mutual TLS. On `smallPort` every request has the same small
 * answer, in frames made once: node:http2 as a server takes more CPU than the clients that are measured. On `bodyPort` stands
 * node:http2, with windows of 16 MiB: the paths of `cases.mjs`, and it reads whatever is sent.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:tls';
import { answer, sizes } from './cases.mjs';

const [DATA, HEADERS, SETTINGS, PING] = [0, 1, 4, 6];
const [endStream, ack, endHeaders] = [1, 1, 4];
const window = 16 * 1024 * 1024;

function frame(type, flags, id, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

const literal = (index, text) => Buffer.concat([Buffer.of(0x0f, index - 15, text.length), Buffer.from(text)]);
const json = Buffer.from(JSON.stringify(answer));
// `:status: 200`, `content-type` and `content-length`, by their numbers in HPACK's table, without a state.
const fields = Buffer.concat([Buffer.of(0x88), literal(31, 'application/json'), literal(28, String(json.length))]);
const reply = Buffer.concat([frame(HEADERS, endHeaders, 0, fields), frame(DATA, endStream, 0, json)]);

function replyTo(id) {
  const bytes = Buffer.from(reply);
  bytes.writeUInt32BE(id, 5);
  bytes.writeUInt32BE(id, 9 + fields.length + 5);
  return bytes;
}

function serve(socket) {
  let left = Buffer.alloc(0);
  let preface = 24;
  socket.write(frame(SETTINGS, 0, 0));
  socket.on('data', (chunk) => {
    left = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    if (left.length < preface) return;
    left = left.subarray(preface);
    preface = 0;
    const replies = [];
    while (left.length >= 9 && left.length >= 9 + left.readUIntBE(0, 3)) {
      const end = 9 + left.readUIntBE(0, 3);
      const [type, flags] = [left[3], left[4]];
      if (type <= HEADERS && flags & endStream) replies.push(replyTo(left.readUInt32BE(5)));
      else if (type === SETTINGS && !(flags & ack)) replies.push(frame(SETTINGS, ack, 0));
      else if (type === PING && !(flags & ack)) replies.push(frame(PING, ack, 0, left.subarray(9, end)));
      left = left.subarray(end);
    }
    if (replies.length > 0) socket.write(replies.length === 1 ? replies[0] : Buffer.concat(replies));
  });
  socket.on('error', () => socket.destroy());
}

const bodies = Object.fromEntries(Object.entries(sizes).map(([path, size]) => [path, Buffer.alloc(size, 'x')]));

function answerStream(stream, { ':path': path }) {
  stream.on('error', () => {});
  if (path === '/never') return;
  stream.on('data', () => {});
  stream.on('end', () => {
    const body = bodies[path] ?? json;
    const type = body === json ? 'application/json' : 'application/octet-stream';
    stream.respond({ ':status': 200, 'content-type': type, 'content-length': body.length });
    stream.end(body);
  });
}

async function listen(server) {
  server.on('tlsClientError', (error) => console.error(`h2 upstream: ${error.message}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

const { tls } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit());
const identity = {
  ...{ cert: readFileSync(tls.serverCert), key: readFileSync(tls.serverKey), ca: readFileSync(tls.ca) },
  ...{ requestCert: true, rejectUnauthorized: true, noDelay: true },
};
const smallPort = await listen(createServer({ ...identity, ALPNProtocols: ['h2'] }, serve));
// Clients that give up many requests are not to be taken for an attack.
const resets = { streamResetBurst: 1_000_000, streamResetRate: 1_000_000 };
const settings = { initialWindowSize: window };
const server = createSecureServer({ ...identity, ...resets, maxSessionMemory: 1000, settings });
server.on('session', (session) => {
  session.on('error', () => {});
  session.once('connect', () => session.setLocalWindowSize(window));
});
server.on('stream', answerStream);
const bodyPort = await listen(server);
process.send({ smallPort, bodyPort });
