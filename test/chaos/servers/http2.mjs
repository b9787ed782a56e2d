/** The HTTP/2 side, over Node's own. */
import { answerTo } from './answers.mjs';
import { faults, refused } from './http2-faults.mjs';

export function serveHttp2(server, reception) {
  const broken = () => {};
  server.on('session', (session) => {
    session.on('error', broken);
    session.outside = server.latest;
  });
  server.on('sessionError', broken);
  server.on('stream', (stream, headers) => {
    stream.on('error', broken);
    const { ':method': method, ':path': path } = headers;
    const arrived = reception.arrived({ method, path, headers });
    if (refused(stream, arrived)) return;
    let answered = false;
    const answer = () => {
      if (answered || stream.destroyed) return;
      answered = true;
      reception.served(arrived);
      (faults[arrived.fault] ?? faults.none)({ stream, arrived, answer: answerTo(arrived) });
    };
    if (arrived.fault === 'early') answer();
    if (arrived.fault === 'early' && arrived.asked.end === 'destroy') return;
    stream.on('data', (chunk) => arrived.take(chunk));
    stream.on('end', answer);
  });
}
