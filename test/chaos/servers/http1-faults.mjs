/** What may befall an answer over HTTP/1.1. Each is given the socket, the request and the whole message as bytes. */
import { pattern } from '../pattern.mjs';
import { pathOf } from './asked.mjs';
import { later } from './later.mjs';

export function reset(socket) {
  (socket.outside ?? socket).resetAndDestroy();
}

const ends = {
  reset,
  // The last bytes go out before the end of the connection; neither side says that something was missing.
  finish: (socket) => socket.end(),
  destroy: (socket) => socket.destroy(),
};

export const faults = {
  none({ socket, arrived: { asked }, bytes }) {
    inPieces(socket, bytes.all, asked, () => bytes.closes && socket.end());
  },

  slow: (exchange) => later(exchange.arrived.asked.delay, () => faults.none(exchange)),

  hang() {},

  /** At any byte: before, in and after the head. Where only the end tells the length, that end has to be a reset. */
  cut({ socket, arrived: { asked }, bytes }) {
    const end = bytes.closes ? 'reset' : asked.end;
    socket.write(bytes.all.subarray(0, cutOf(bytes, asked.at)), () => later(asked.delay % 5, () => ends[end](socket)));
  },

  garbage({ socket, arrived: { asked } }) {
    const junk = [
      'SSH-2.0-OpenSSH_9.6\r\n',
      'HTTP/1.1 2OO OK\r\n\r\n',
      '\0\0\0\x04\x01\0\0',
      'HTTP/9.9 200 OK\r\n\r\n',
    ];
    const text = junk[Math.floor(asked.at * junk.length)];
    if (asked.end === 'reset') socket.write('HTTP/1.');
    socket.write(text, () => later(asked.delay % 5, () => socket.destroy()));
  },

  /** The frame breaks off in the middle of a body that began well. */
  'bad-chunk'({ socket, arrived: { asked }, bytes }) {
    const head = bytes.head.latin1Slice().replace(/(content-length|connection): .*\r\n/, '');
    const chunked = /chunked/.test(head) ? head : head.replace('\r\n\r\n', '\r\ntransfer-encoding: chunked\r\n\r\n');
    const began = Math.min(asked.status === 205 ? 0 : asked.size, 16);
    const chunk = began === 0 ? '' : `${began.toString(16)}\r\n${pattern(asked.nonce, began)}\r\n`;
    socket.write(`${chunked}${chunk}zz\r\n`, () => later(20, () => socket.destroy()));
  },

  /** Byte by byte; half of them never come to an end. */
  trickle({ socket, arrived: { asked }, bytes }) {
    const from = bytes.all.length - Math.min(bytes.all.length, 12);
    socket.write(bytes.all.subarray(0, from));
    const step = (at) => {
      if (socket.destroyed || (at === bytes.all.length - 1 && asked.end === 'reset')) return;
      socket.write(bytes.all.subarray(at, at + 1));
      if (at + 1 < bytes.all.length) later(5, () => step(at + 1));
      else if (bytes.closes) socket.end();
    };
    if (from < bytes.all.length) later(5, () => step(from));
  },

  /** The answer comes before the request's body has. */
  early({ socket, arrived: { asked }, bytes }) {
    socket.write(bytes.all, () => {
      if (bytes.closes || asked.end === 'finish') socket.end();
      else if (asked.end === 'reset') later(asked.delay, () => reset(socket));
    });
    if (asked.end === 'destroy') {
      socket.pause();
      later(200, () => socket.destroy());
    }
  },

  /** The server has no more to say before the request is over, and listens on. */
  'half-close': ({ socket }) => socket.end(),

  /** A whole answer, and the end of the connection right behind it, unannounced. */
  'close-after': ({ socket, bytes }) => socket.end(bytes.all),

  /** More than the message holds: it belongs to nobody. After a HEAD, a moment later: servers send the body all the same. */
  extra({ socket, arrived, bytes }) {
    if (bytes.closes) return socket.end(bytes.all);
    const foreign = pattern('nfffffff', 160);
    const head = `HTTP/1.1 200 OK\r\nx-nonce: nfffffff\r\nx-received: whole\r\ncontent-length: ${foreign.length}\r\n\r\n`;
    const more = Buffer.concat([Buffer.from(head), foreign]);
    if (arrived.method !== 'HEAD' || !arrived.asked.tellsLength) socket.write(Buffer.concat([bytes.all, more]));
    else socket.write(bytes.all, () => later(arrived.asked.delay % 5, () => socket.write(more)));
  },

  /** Interim answers before the final one. */
  informational(exchange) {
    exchange.socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n');
    later(exchange.arrived.asked.delay % 10, () => faults.none(exchange));
  },

  redirect({ socket, arrived: { asked } }) {
    const { redirect } = asked;
    const next = pathOf({ ...asked, key: `${asked.key}+`, fault: redirect.fault, times: 1 });
    const head = `HTTP/1.1 ${redirect.status} Moved\r\nlocation: ${next}\r\nx-nonce: ${asked.nonce}\r\ncontent-type: text/plain\r\n`;
    if (redirect.body === 'empty') socket.write(`${head}content-length: 0\r\n\r\n`);
    else if (redirect.body === 'whole') socket.write(`${head}content-length: 5\r\n\r\nmoved`);
    else socket.write(`${head}content-length: 100\r\n\r\nm`);
  },
};

/** Evenly over the head and the body, however long each is; never the whole message. */
function cutOf({ head, all }, at) {
  const where = at < 0.5 ? at * 2 * head.length : head.length + (at * 2 - 1) * (all.length - head.length);
  return Math.min(Math.floor(where), all.length - 1);
}

function inPieces(socket, all, { pieces, delay }, done) {
  if (pieces <= 1) {
    socket.write(all, done);
    return;
  }
  const size = Math.ceil(all.length / pieces);
  const step = (at) => {
    if (socket.destroyed) return;
    socket.write(all.subarray(at, at + size), at + size >= all.length ? done : undefined);
    if (at + size < all.length) later(delay % 4, () => step(at + size));
  };
  step(0);
}
