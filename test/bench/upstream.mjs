/**
 * The upstream, a process of its own: answers every request with the same 100 bytes of JSON.
 * It speaks HTTP/1.1 by hand, since node:http would be as slow as what is measured and share the machine with it.
 */
import { createServer } from 'node:net';
import { answer } from './cases.mjs';

const body = JSON.stringify(answer);
const reply = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body}`,
);
const headEnd = Buffer.from('\r\n\r\n');

const server = createServer({ noDelay: true }, (socket) => {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let size = requestSize(pending); size !== undefined; size = requestSize(pending)) {
      pending = pending.subarray(size);
      socket.write(reply);
    }
  });
  // A client that ends takes its connections along.
  socket.on('error', () => socket.destroy());
});

/** Bytes of the first request in the buffer, or undefined where it is not complete. */
function requestSize(buffer) {
  const end = buffer.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = buffer.latin1Slice(0, end).toLowerCase();
  if (head.includes('\r\ntransfer-encoding:'))
    throw new Error('The upstream of the benchmark reads no chunked bodies.');
  const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
  const size = end + headEnd.length + length;
  return buffer.length >= size ? size : undefined;
}

// Gone when the runner is, however it ended.
process.once('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
