/**
 * The upstream, a process of its own: the same answers over plain HTTP and over mutual TLS. A path `/plan/503,200/NAME` says how
 * the attempts of the call NAME fare; `attempts` as a message asks how many there were. `/held` is answered once the message
 * `release` comes; `held` asks how many wait. `/never` is not answered, `/begun` in part, `/flaky` with 503 every other time.
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

/** Longer than the time limit of an attempt in the pod. */
const slowness = 2500;
const plans = new Map();

/** Plays the next step of a plan: a status, `reset`, or `slow`. */
function play(path, socket) {
  const attempt = plans.get(path) ?? 0;
  plans.set(path, attempt + 1);
  const steps = path.split('/')[2].split(',');
  const step = steps[attempt] ?? steps.at(-1);
  if (step === 'reset') return socket.destroy();
  const reply =
    step === '200' || step === 'slow' ? smallReply : `HTTP/1.1 ${step} As planned\r\nContent-Length: 0\r\n\r\n`;
  if (step === 'slow') setTimeout(() => socket.write(reply), slowness);
  else socket.write(reply);
}

/** Attempts by method and plan, which are forgotten then. */
function attempts() {
  const counts = {};
  for (const [path, count] of plans) {
    const [, , plan, name] = path.split('/');
    const key = `${name.split('-')[0]} ${plan}`;
    counts[key] = (counts[key] ?? 0) + count;
  }
  plans.clear();
  return counts;
}

const replies = {
  '/never': '',
  '/begun': `${head('application/octet-stream', 100_000)}begun`,
  '/moved': 'HTTP/1.1 302 Found\r\nLocation: /json\r\nContent-Length: 0\r\n\r\n',
  '/unavailable': 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n',
};
let flaky = 0;

let waiting = [];
const held = () => waiting.length;

function release() {
  const all = waiting;
  waiting = [];
  for (const socket of all) socket.write(smallReply);
  return all.length;
}

const words = { attempts, held, release };

function serve(socket) {
  const reader = new RequestReader((path) => {
    if (path.startsWith('/plan/')) play(path, socket);
    else if (path === '/held') waiting.push(socket);
    else if (path === '/reset') socket.destroy();
    else if (path === '/flaky') socket.write(flaky++ % 2 === 0 ? replies['/unavailable'] : smallReply);
    else if (path in replies) socket.write(replies[path]);
    else socket.write(largeReplies.get(path) ?? smallReply);
  });
  socket.on('data', (chunk) => reader.feed(chunk));
  // A client that ends takes its connections along.
  socket.on('error', () => socket.destroy());
}

async function listen(server, host) {
  // Room for thousands of callers that connect at once.
  server.listen({ port: 0, host, backlog: 4096 });
  await once(server, 'listening');
  return server.address().port;
}

const { host = '127.0.0.1', tls } = JSON.parse(process.argv[2]);
// Gone when the runner is, however it ended.
process.once('disconnect', () => process.exit());
process.on('message', (word) => process.send(words[word]()));
const port = await listen(createServer({ noDelay: true }, serve), host);
let tlsPort;
if (tls !== undefined) {
  const identity = { cert: readFileSync(tls.serverCert), key: readFileSync(tls.serverKey), ca: readFileSync(tls.ca) };
  const server = createTlsServer({ ...identity, requestCert: true, rejectUnauthorized: true, noDelay: true }, serve);
  // One is enough to tell: on a busy machine there may be hundreds of handshakes that took too long.
  server.once('tlsClientError', (error) => console.error(`upstream: ${error.message}`));
  tlsPort = await listen(server, host);
}
process.send({ port, tlsPort });
