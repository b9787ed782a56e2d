/** The HTTP/1.1 side: speaks by hand, since node:http would not break the rules. */
import { answerTo } from './answers.mjs';
import { faults, reset } from './http1-faults.mjs';
import { RequestReader } from './request-reader.mjs';

const reasons = { 100: 'Continue', 103: 'Early Hints', 200: 'OK', 204: 'No Content', 304: 'Not Modified' };

export function serveHttp1(socket, reception) {
  let arrived;
  let answered = false;
  const answer = () => {
    if (answered) return;
    answered = true;
    const { fault } = arrived;
    reception.served(arrived);
    (faults[fault] ?? faults.none)({ socket, arrived, bytes: bytesOf(answerTo(arrived), arrived.asked) });
  };
  const reader = new RequestReader({
    head(head) {
      arrived = reception.arrived(head);
      answered = false;
      if (arrived.fault === 'early' || arrived.fault === 'half-close') answer();
    },
    data: (chunk) => arrived.take(chunk),
    end: answer,
  });
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.on('data', (chunk) => {
    try {
      reader.feed(chunk);
    } catch {
      // What follows a request that was cut off is no request.
      reset(socket);
    }
  });
}

/** The message on the wire, and where its head ends. */
function bytesOf({ status, headers, content, bare }, { frame }) {
  const fields = { ...headers };
  let body = content;
  if (!bare && frame === 'chunked') {
    fields['transfer-encoding'] = 'chunked';
    body = Buffer.concat([...chunksOf(content), Buffer.from('0\r\n\r\n')]);
  } else if (!bare && frame === 'close') fields.connection = 'close';
  else if (!bare) fields['content-length'] = String(content.length);
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`HTTP/1.1 ${status} ${reasons[status] ?? 'Told'}\r\n${lines.join('')}\r\n`);
  return { head, body, all: Buffer.concat([head, body]), closes: !bare && frame === 'close' };
}

function* chunksOf(content) {
  const size = 1000;
  for (let at = 0; at < content.length; at += size) {
    const piece = content.subarray(at, at + size);
    yield Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
  }
}
