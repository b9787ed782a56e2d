/** What call number n does: decided by the seed alone. */
import { chanceOf } from './chance.mjs';
import { nonceOf } from './pattern.mjs';

const http1Faults = {
  ...{ none: 8, slow: 2, hang: 1, cut: 6, garbage: 2, 'bad-chunk': 1, trickle: 1, early: 3, 'half-close': 1 },
  ...{
    'close-after': 2,
    extra: 2,
    informational: 1,
    redirect: 3,
    'cut-coding': 2,
    'wrong-coding': 1,
    'empty-coding': 1,
  },
};
const http2Faults = {
  ...{ none: 10, slow: 2, hang: 1, cut: 5, garbage: 0.3, goaway: 0.5, refuse: 3, trickle: 1, early: 3 },
  ...{ informational: 1, redirect: 3, 'cut-coding': 2, 'wrong-coding': 1, 'empty-coding': 1 },
};
/** Those with which a call still has to succeed. */
const harmlessFaults = { none: 12, slow: 1, informational: 1, redirect: 1 };

const uploads = {
  fetch: ['string', 'bytes', 'stream', 'generator', 'web', 'form', 'blob', 'file'],
  fast: ['string', 'bytes', 'stream', 'file', 'web', 'form', 'package', 'blob', 'generator'],
  http: ['string', 'bytes', 'stream', 'file', 'form', 'package', 'blob', 'generator'],
  // axios's http adapter takes no web streams and no iterables.
  'fetch http': ['string', 'bytes', 'stream', 'file', 'form', 'blob'],
  router: ['string', 'bytes', 'stream', 'generator', 'web', 'form', 'blob', 'file'],
  dispatcher: ['string', 'bytes', 'stream', 'file', 'generator', 'form'],
  listener: ['string', 'bytes', 'stream', 'file', 'generator'],
};
const readings = {
  fetch: ['text', 'bytes', 'half', 'cancel', 'unread', 'clone', 'late'],
  router: ['text', 'bytes', 'half', 'cancel', 'unread', 'clone', 'late'],
  dispatcher: ['all', 'events', 'half', 'destroy', 'late', 'pipe'],
  listener: ['all', 'events', 'half', 'destroy', 'late', 'pipe'],
  axios: ['buffer', 'buffer', 'text', 'all', 'events', 'half', 'destroy', 'unread', 'late', 'pipe'],
};

/** `profile` is 'chaos' or, for calls that are all given up by their callers, 'aborts'. */
export function planOf(seed, index, profile = 'chaos') {
  const chance = chanceOf(seed, index);
  const calm = chance.often(profile === 'aborts' ? 0.6 : 0.35);
  const server = chance.weighted({ h1: 4, tls1: 2, h2: 4, few: 1 });
  const way = chance.weighted({ fetch: 3, axios: 5, router: 1, dispatcher: 1.5, listener: 2.5 });
  const foreign = way !== 'fetch' && way !== 'axios';
  const lane = !foreign && (server === 'h1' || server === 'tls1') && chance.often(0.35) ? 'http' : 'fast';
  const upload = uploadOf(chance, foreign ? way : way === 'axios' ? lane : lane === 'http' ? 'fetch http' : 'fetch');
  const abort = abortOf(chance, way, calm, profile);
  const options = optionsOf(chance, way);
  const asked = askedOf(chance, { index, calm, server, lane, upload });
  if (way === 'dispatcher' || way === 'listener') leaveAsItIs(asked);
  const method = methodOf(chance, upload);
  // Of other clients' calls only the client's own configuration limits the time.
  const total = calm ? 20_000 : foreign ? 5000 : chance.between(150, 900);
  return {
    ...{ index, calm, server, way, lane, method, upload, abort, options, asked, total },
    client: `${calm ? 'calm' : 'wild'} ${server}${!calm && way !== 'router' && chance.often(0.25) ? ' hedged' : ''}`,
    reading: chance.pick(readings[way]),
    keyed: method === 'POST' && chance.often(0.3),
    signalShared: chance.often(0.3),
    mayFail: !calm || abort.by !== 'nothing' || options.tooSmall || upload.breaks,
  };
}

/** Nothing is decoded there, and no redirect followed. */
function leaveAsItIs(asked) {
  asked.coding = 'identity';
  if (asked.fault.endsWith('-coding') || asked.fault === 'redirect') asked.fault = 'none';
}

function methodOf(chance, { kind }) {
  if (kind !== 'nothing') return chance.weighted({ POST: 4, PUT: 1 });
  return chance.weighted({ GET: 10, HEAD: 1.5, POST: 1, DELETE: 1 });
}

function uploadOf(chance, kinds) {
  if (chance.often(0.4)) return { kind: 'nothing', size: 0 };
  const kind = chance.pick(uploads[kinds]);
  const size = kind === 'file' ? 40_000 : sizeOf(chance);
  const streams = kind === 'stream' || kind === 'generator' || kind === 'web';
  return { kind, size, pause: chance.weighted({ 0: 4, 1: 1 }) === '1', breaks: streams && chance.often(0.06) };
}

const sizeOf = (chance) => {
  const range = chance.weighted({ none: 1, small: 14, middle: 3, large: 1 });
  if (range === 'none') return 0;
  if (range === 'small') return chance.between(1, 3000);
  return range === 'middle' ? chance.between(3000, 70_000) : chance.between(70_000, 300_000);
};

function abortOf(chance, way, calm, profile) {
  const by = {
    ...{ fetch: { signal: 6, total: 1 }, axios: { signal: 4, token: 1, timeout: 1, total: 1 } }[way],
    signal: 4,
  };
  if (profile !== 'aborts' && !chance.often(calm ? 0.2 : 0.3)) return { by: 'nothing' };
  const moments = { before: 0.3, sync: 1, microtask: 1, immediate: 2, ms: 6, upload: 2, answer: 2, data: 2 };
  const ms = chance.often(0.5) ? chance.between(1, 5) : chance.between(1, 40);
  return { by: chance.weighted(by), moment: chance.weighted(moments), ms };
}

function optionsOf(chance, way) {
  const tooSmall = way === 'axios' && chance.often(0.03);
  return {
    tooSmall,
    maxBodyLength: way === 'axios' && chance.often(0.2),
    uploadProgress: way === 'axios' && chance.often(0.2),
    downloadProgress: way === 'axios' && chance.often(0.2),
    throwsStatus: way === 'axios' && chance.often(0.2),
  };
}

function askedOf(chance, { index, calm, server, lane, upload }) {
  const nonce = nonceOf(index);
  const http1 = server === 'h1' || server === 'tls1';
  const faults = http1 ? http1Faults : http2Faults;
  const codings = { identity: 6, gzip: 2, br: 1, deflate: 1, ...(lane === 'fast' && { 'gzip, br': 1 }) };
  const statuses = { 200: 12, 201: 1, 404: 1, 503: 1, 204: 1, 304: 1, 205: 0.3 };
  const status = Number(chance.weighted(statuses));
  const fault = chance.weighted(calm ? harmlessFaults : faults);
  const coding = chance.weighted(codings);
  return {
    ...{ nonce, key: nonce, status, size: sizeOf(chance), at: chance.random(), delay: chance.between(0, 40) },
    upload: { size: upload.size, ...(upload.kind === 'file' && { nonce: nonceOf(0xeeeeeee) }), framed: isForm(upload) },
    fault,
    times: chance.pick([1, 1, 2, 9]),
    end: chance.pick(['reset', 'finish', 'destroy']),
    // Nobody can tell that a body without a coding was cut inside of a right frame.
    coding: fault.endsWith('-coding') && coding === 'identity' ? 'gzip' : coding,
    frame: chance.weighted({ length: 3, chunked: 3, close: 1 }),
    pieces: chance.pick([1, 1, 2, 5]),
    // A length in a 204 is an error of the protocol to nghttp2, which nobody above it can mend.
    tellsLength: chance.often(0.6) && (http1 || status !== 204),
    redirect: {
      status: chance.pick([307, 308]),
      body: chance.pick(['empty', 'whole', 'hangs']),
      fault: calm ? 'none' : 'cut',
    },
  };
}

const isForm = ({ kind }) => kind === 'form' || kind === 'package';
