/** One call, from its plan to what is thought of it. */
import { lookup } from 'node:dns';
import { current, within } from './context.mjs';
import { abortOf } from './giving-up.mjs';
import { judgeAnswer, judgeError, judgeFailure } from './judge.mjs';
import { readers } from './readers.mjs';
import { pathOf } from './servers/asked.mjs';
import { bodyOf } from './uploads.mjs';
import { foreignWays } from './ways.mjs';

/** Milliseconds past its deadline before a call is said to hang. */
const slack = 8000;
/**
 * How many of them a turn of the event loop counts at most. Where the machine is busy a turn takes a hundred milliseconds, and
 * a call over the listener waits for a hundred turns: Node takes one new connection in each.
 */
const turn = 10;

class Call {
  late = false;

  constructor(plan, world) {
    this.plan = plan;
    this.ledger = world.ledger;
    this.abort = abortOf(plan, world);
  }

  /** The way through the library: protocol, lane and front door. */
  get lane() {
    const { server, lane, way } = this.plan;
    return `${server} ${lane} ${way}`;
  }

  /** Kinds of calls, as failures are told by them. */
  get kind() {
    const { calm, method, upload, reading, asked, abort } = this.plan;
    const ended = abort.by === 'nothing' ? '' : `, given up by ${abort.by}`;
    const fault = calm ? 'well' : asked.fault;
    return `${this.lane} ${method}, body ${upload.kind}, read ${reading}, server ${fault}${ended}`;
  }

  count(kind, detail) {
    this.ledger.count(kind, this, detail);
  }

  /** How far it is. The body is held weakly: what nobody else holds may be collected here as in any program. */
  stage() {
    if (this.body === undefined) return 'without an answer';
    const { destroyed, closed, readableEnded, readableFlowing, readableLength, errored } = this.body.deref() ?? {};
    const state = { destroyed, closed, readableEnded, readableFlowing, readableLength, errored: errored?.code };
    return `its body ${JSON.stringify(state)}`;
  }

  /** Said wherever code of the call runs. */
  here(where) {
    if (current() !== this)
      this.count('crossed', `async context of ${current()?.plan.asked.nonce ?? 'no call'} in ${where}`);
  }

  reached(moment) {
    this.abort.reached(moment);
  }
}

export const callOf = (plan, world) => new Call(plan, world);

export function makeCall(plan, world) {
  const call = callOf(plan, world);
  return within(call, () => inTime(call, world));
}

async function inTime(call, world) {
  let timer;
  const late = new Promise((resolve) => {
    let patience = world.slack ?? slack;
    const count = () => {
      patience -= turn;
      if (patience <= 0) resolve('hanging');
    };
    timer = setTimeout(() => {
      timer = setInterval(count, turn);
    }, call.plan.total);
  });
  const outcome = await Promise.race([perform(call, world), late]);
  clearTimeout(timer);
  call.abort.over();
  if (outcome === 'hanging') call.count('hanging', `not settled long after its deadline, ${call.stage()}`);
  call.ledger.ended(outcome);
}

async function perform(call, world) {
  try {
    const asking = ask(call, world);
    call.abort.begun();
    const answer = await asking;
    call.here('the await of the call');
    call.body = new WeakRef(Object(answer.data ?? answer.body));
    call.reached('answer');
    if (!judgeAnswer(call, answer)) return 'wrong answer';
    return await read(call, answer);
  } catch (error) {
    call.here('the catch of the call');
    return judgeError(call, error);
  }
}

function ask(call, world) {
  const { way, client } = call.plan;
  if (way in foreignWays) return foreignWays[way](call, world);
  return (way === 'fetch' ? byFetch : byAxios)(call, world.clients.get(client), world);
}

async function read(call, answer) {
  const { way, reading } = call.plan;
  // Node's streams that were destroyed before they are read seem to be empty.
  if (way === 'listener' && answer.data.destroyed) return 'destroyed';
  try {
    return await readers[way][reading](call, answer);
  } catch (error) {
    call.here('the catch of the reading');
    return `in the body: ${judgeFailure(call, error)}`;
  }
}

/** Chosen by options that undici does not speak. */
const httpLane = [{ family: 4 }, { lookup: (name, options, done) => lookup(name, options, done) }];

const ownOptions = ({ plan, abort }) => ({
  timeouts: {
    total: abort.total ?? plan.total,
    attempt: Math.min(abort.total ?? plan.total, plan.calm ? 20_000 : 400),
  },
  ...(plan.keyed && { idempotencyKey: true }),
});

function byAxios(call, client, world) {
  const { plan, abort } = call;
  const { options, reading, upload } = plan;
  const buffered = reading === 'buffer' || reading === 'text';
  const watch = (where) => () => call.here(where);
  return client.request({
    url: pathOf(plan.asked),
    method: plan.method,
    data: bodyOf(call, world),
    responseType: buffered ? (reading === 'text' ? 'text' : 'arraybuffer') : 'stream',
    maxRedirects: 3,
    ...ownOptions(call),
    ...abort.options,
    ...(!options.throwsStatus && { validateStatus: null }),
    ...(plan.lane === 'http' && httpLane[plan.index % httpLane.length]),
    ...(options.maxBodyLength && { maxBodyLength: options.tooSmall ? upload.size >> 1 : 2 * upload.size + 2000 }),
    ...(options.tooSmall && { maxContentLength: 100 }),
    ...(options.uploadProgress && { onUploadProgress: watch('onUploadProgress') }),
    ...(options.downloadProgress && { onDownloadProgress: watch('onDownloadProgress') }),
    ...(upload.kind !== 'form' && upload.kind !== 'package' && { headers: { 'content-type': 'text/plain' } }),
  });
}

function byFetch(call, client, world) {
  const { plan, abort } = call;
  return client.fetch(pathOf(plan.asked), {
    method: plan.method,
    body: bodyOf(call, world),
    duplex: 'half',
    // A header about the connection is nothing for undici.
    ...(plan.lane === 'http' && { headers: { 'keep-alive': 'timeout=5' } }),
    ...ownOptions(call),
    ...abort.options,
  });
}
