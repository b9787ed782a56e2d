/** What an upstream may do with a request, well or badly. */
import type { ServerResponse } from 'node:http';
import type { Behaviour } from './upstream.js';

export const answer =
  (status = 200, body: string | Buffer = 'ok', headers: Record<string, string> = {}): Behaviour =>
  (_, response) => {
    response.writeHead(status, headers).end(body);
  };

/** The connection is cut with an RST before a byte of the answer. */
export const reset: Behaviour = ({ socket }) => {
  socket.resetAndDestroy();
};

/** The connection is closed in good order (FIN), but without an answer. */
export const hangUp: Behaviour = ({ socket }) => {
  socket.end();
};

/** Headers that promise a thousand bytes, ten of them, then an RST. */
export const resetInBody: Behaviour = ({ socket }, response) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('ten bytes.', () => setTimeout(() => socket.resetAndDestroy(), 20));
};

/** A chunked body that is cut off in good order. */
export const hangUpInBody: Behaviour = ({ socket }, response) => {
  response.writeHead(200);
  response.write('ten bytes.', () => socket.end());
};

export const hang: Behaviour = () => {};

/** Headers, then one byte after the other, for ever. */
export const dribble: Behaviour = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  every(10, response, () => response.write('.'));
};

/** An answer that is not HTTP. */
export const garbage: Behaviour = ({ socket }) => {
  socket.end('SSH-2.0-OpenSSH_9.6\r\n');
};

function every(ms: number, response: ServerResponse, action: () => void): void {
  const timer = setInterval(action, ms);
  response.once('close', () => clearInterval(timer));
}
