/** What may befall an answer over HTTP/2. Each is given the stream, the request and the answer. */
import http2 from 'node:http2';
import { pathOf } from './asked.mjs';
import { later } from './later.mjs';

/** Node would tell the last stream it knew before it takes what has arrived meanwhile: streams that it serves would count as refused. */
const highestStream = 2 ** 31 - 1;

const { constants } = http2;
const codes = ['NO_ERROR', 'INTERNAL_ERROR', 'CANCEL', 'ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR'].map(
  (name) => constants[`NGHTTP2_${name}`],
);
const codeOf = ({ at }) => codes[Math.floor(at * 1000) % codes.length];

/** Before the application has seen it: a refusal promises just that. */
export function refused(stream, { fault }) {
  if (fault !== 'refuse') return false;
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
  return true;
}

const headOf = ({ status, headers, content, bare }, { frame }) => ({
  ':status': status,
  ...(frame === 'length' && !bare && { 'content-length': String(content.length) }),
  ...headers,
});

function begin({ stream, answer, arrived: { asked } }) {
  if (stream.destroyed || stream.headersSent) return false;
  stream.respond(headOf(answer, asked), { endStream: answer.bare });
  return !answer.bare;
}

/** Node's `close` sends END_STREAM before the code: where no length was told, that is a whole answer. `destroy` does not. */
function breakOff({ stream, arrived: { asked } }) {
  if (asked.frame === 'length' && asked.end === 'finish') stream.close(codeOf(asked));
  else if (asked.end === 'destroy') stream.destroy(new Error('broken off'));
  // With NO_ERROR.
  else stream.destroy();
}

/** Begins well; `then` once a part of the content is out. */
function inBody(exchange, then) {
  const { stream, answer, arrived } = exchange;
  if (!begin(exchange)) return;
  const part = answer.content.subarray(0, Math.floor(answer.content.length * arrived.asked.at));
  if (part.length === 0) then();
  else stream.write(part, () => then());
}

export const faults = {
  none(exchange) {
    const { stream, answer, arrived } = exchange;
    if (begin(exchange)) inPieces(stream, answer.content, arrived.asked);
  },

  slow: (exchange) => later(exchange.arrived.asked.delay, () => faults.none(exchange)),

  hang() {},

  /** RST_STREAM, before the head or in the body. */
  cut(exchange) {
    const { at, delay } = exchange.arrived.asked;
    if (at < 0.3) exchange.stream.close(codeOf(exchange.arrived.asked));
    else inBody(exchange, () => later(delay % 5, () => breakOff(exchange)));
  },

  /** The whole connection is lost, and whatever else was on it. */
  garbage(exchange) {
    const { stream, arrived } = exchange;
    const { outside } = stream.session ?? {};
    inBody(exchange, () => {
      if (arrived.asked.end === 'reset') outside?.resetAndDestroy();
      else if (arrived.asked.end === 'destroy') outside?.destroy();
      else outside?.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
  },

  /** GOAWAY: in good order, with an error, or with the end of the session behind it. */
  goaway(exchange) {
    const { session } = exchange.stream;
    const { end, at } = exchange.arrived.asked;
    if (session === undefined || session.destroyed) return;
    if (end === 'finish') session.close();
    else session.goaway(at < 0.5 ? 0 : constants.NGHTTP2_ENHANCE_YOUR_CALM, highestStream);
    if (end === 'destroy') later(exchange.arrived.asked.delay, () => session.destroy());
    faults.none(exchange);
  },

  trickle(exchange) {
    const { stream, answer, arrived } = exchange;
    if (!begin(exchange)) return;
    const { content } = answer;
    const from = content.length - Math.min(content.length, 12);
    stream.write(content.subarray(0, from));
    const step = (at) => {
      if (stream.destroyed || arrived.asked.end === 'reset') return;
      if (at >= content.length) stream.end();
      else {
        stream.write(content.subarray(at, at + 1));
        later(5, () => step(at + 1));
      }
    };
    step(from);
  },

  /** The final answer, with END_STREAM, before the request's body has come; what follows is read, refused or ignored. */
  early(exchange) {
    const { stream, answer, arrived } = exchange;
    if (begin(exchange)) stream.end(answer.content);
    if (arrived.asked.end === 'reset') later(arrived.asked.delay, () => stream.close(constants.NGHTTP2_NO_ERROR));
    if (arrived.asked.end === 'finish') stream.resume();
  },

  'half-close': (exchange) => faults.goaway(exchange),

  informational(exchange) {
    const { stream } = exchange;
    if (!stream.destroyed) stream.additionalHeaders({ ':status': 103, link: '</x>; rel=preload' });
    later(exchange.arrived.asked.delay % 10, () => faults.none(exchange));
  },

  redirect({ stream, arrived: { asked } }) {
    const { redirect } = asked;
    const location = pathOf({ ...asked, key: `${asked.key}+`, fault: redirect.fault, times: 1 });
    const head = { ':status': redirect.status, location, 'x-nonce': asked.nonce, 'content-type': 'text/plain' };
    stream.respond(head, { endStream: redirect.body === 'empty' });
    if (redirect.body === 'whole') stream.end('moved');
    if (redirect.body === 'hangs') stream.write('m');
  },
};

function inPieces(stream, content, { pieces, delay }) {
  if (pieces <= 1) {
    stream.end(content);
    return;
  }
  const size = Math.max(1, Math.ceil(content.length / pieces));
  const step = (at) => {
    if (stream.destroyed) return;
    if (at + size >= content.length) {
      stream.end(content.subarray(at));
      return;
    }
    stream.write(content.subarray(at, at + size));
    later(delay % 4, () => step(at + size));
  };
  step(0);
}
