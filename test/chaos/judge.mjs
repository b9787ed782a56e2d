/** What is thought of answers, bodies and errors. */
import axios from 'axios';
import { fault } from './pattern.mjs';

const withoutContent = new Set([204, 205, 304]);

/** Status and headers of something that was reported as a success. */
export function judgeAnswer(call, { status, headers }) {
  const { asked } = call.plan;
  const told = (name) => (headers.get ? headers.get(name) : headers[name]);
  if (told('x-nonce') !== asked.nonce) {
    call.count(told('x-nonce') ? 'crossed' : 'lost', `answered as ${told('x-nonce')}, with status ${status}`);
    return false;
  }
  if (status !== asked.status) call.count('lost', `status ${status} instead of ${asked.status}`);
  const received = told('x-received') ?? 'whole';
  if (received !== 'whole')
    call.count(/crossed/.test(received) ? 'crossed' : 'lost', `the server received: ${received}`);
  return true;
}

/** Bytes that were read to what was said to be their end; not `whole` where the caller stopped before. */
export function judgeBody(call, bytes, whole = true) {
  const { asked, method } = call.plan;
  if (!Buffer.isBuffer(bytes)) {
    call.count('strange', `a body of bytes is ${typeof bytes}: ${JSON.stringify(bytes)}`);
    return 'wrong answer';
  }
  const size = method === 'HEAD' || withoutContent.has(asked.status) ? 0 : asked.size;
  // An empty coded body is an empty body.
  if (asked.fault === 'empty-coding' && bytes.length === 0) return 'answered';
  const wrong = fault(bytes, asked.nonce, size, { whole: whole && tellsItsEnd(call.plan) && !isGivenUp(call) });
  if (wrong !== undefined) call.count(wrong.kind, wrong.detail);
  return wrong?.kind ?? 'answered';
}

/**
 * Where only the end of the connection tells the end of the body, a reset is no better told than an end in good order: where it
 * has arrived together with the last bytes, libuv reports both as the same.
 */
function tellsItsEnd({ calm, asked, server }) {
  return calm || asked.frame !== 'close' || server === 'h2' || server === 'few';
}

/** A reader that destroys Node's own answer, once all of it has arrived, is told of no error. */
function isGivenUp({ plan, abort }) {
  return plan.way === 'listener' && abort.options.signal?.aborted;
}

/** The call itself failed: with an AxiosError, or with what the standard says of fetch. */
export function judgeError(call, error) {
  const { plan } = call;
  const { response } = error ?? {};
  if (axios.isAxiosError(error) && error.code?.startsWith('ERR_BAD_') && response?.status === plan.asked.status) {
    if (!judgeAnswer(call, response)) return 'wrong answer';
    return Buffer.isBuffer(response.data) ? judgeBody(call, response.data) : `status ${response.status}`;
  }
  const promised = errorsOf[plan.way] ?? axios.isAxiosError;
  if (!promised(error)) call.count('strange', `not an error of ${plan.way}: ${error?.stack}`);
  return judgeFailure(call, error);
}

/** Whether there was a reason to fail, and whether its code is one that callers know. */
export function judgeFailure(call, error) {
  const { code, message } = deepest(error);
  if (code === undefined && error?.name !== 'AbortError') call.count('strange', `no code: ${error?.name}: ${message}`);
  if (String(code).startsWith('UND_ERR') && call.plan.way !== 'dispatcher')
    call.count('strange', `${code}: ${message}`);
  if (!call.plan.mayFail) call.count('failed', `${code}: ${message}`);
  return error?.name === 'AbortError' ? 'AbortError' : String(code);
}

/** The reason of the caller's signal, or a TypeError with what happened as its cause. */
const isOfFetch = (error) => error instanceof TypeError || error?.name === 'AbortError';

/** By the way of a call, where it is not an AxiosError: what code around such a client tests for. */
const errorsOf = {
  fetch: isOfFetch,
  router: isOfFetch,
  dispatcher: (error) => error instanceof Error,
  listener: (error) => error instanceof Error,
};

function deepest(error) {
  return axios.isAxiosError(error) || !(error?.cause instanceof Error) ? error : deepest(error.cause);
}
