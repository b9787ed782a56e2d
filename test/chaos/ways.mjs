/** Calls that are not made through a client: with `fetch`, with undici, and over the listener with HTTP/1.1 and h2c. */
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:http2';
import { Readable } from 'node:stream';
import { request as undiciRequest } from 'undici';
import { pathOf } from './servers/asked.mjs';
import { bodyOf } from './uploads.mjs';

/** What each of these clients sends; a key makes a POST repeatable. */
function headersOf({ keyed, asked, upload }) {
  return {
    ...(keyed && { 'idempotency-key': asked.key }),
    ...(upload.kind !== 'nothing' && upload.kind !== 'form' && { 'content-type': 'text/plain' }),
  };
}

/** `globalThis.fetch`, which the router has replaced. */
function router(call, { clients, ...world }) {
  const { plan, abort } = call;
  return fetch(clients.urlOf(plan.client) + pathOf(plan.asked), {
    method: plan.method,
    headers: headersOf(plan),
    body: bodyOf(call, world),
    duplex: 'half',
    ...abort.options,
  });
}

async function dispatcher(call, { clients, ...world }) {
  const { plan, abort } = call;
  const { statusCode, headers, body } = await undiciRequest(clients.urlOf(plan.client) + pathOf(plan.asked), {
    dispatcher: clients.dispatcherOf(plan.client),
    method: plan.method,
    headers: headersOf(plan),
    body: bodyOf(call, world),
    // Without a signal that many calls share: undici warns of so many listeners.
    ...(plan.abort.by === 'signal' && abort.options),
  });
  return { status: statusCode, headers, data: body };
}

/** Clients of other processes know nothing of the listener but its port: HTTP/1.1 in one, h2c in the other. */
async function listener(call, world) {
  const answer = await (call.plan.index % 3 === 0 ? overHttp2 : overHttp1)(call, world);
  const code = answer.headers['x-pillion-error'];
  if (code === undefined) return answer;
  answer.data.resume();
  throw Object.assign(new Error(`answered by the listener with ${answer.status}`), { code });
}

/**
 * By hand: with `signal`, Node destroys a connection that has gone back to the agent with an error that nobody hears. A
 * request that is destroyed after its answer has come takes the listeners off it.
 */
function endWhenAborted({ plan, abort }, request, answer = () => undefined) {
  if (plan.abort.by !== 'signal') return;
  const { signal } = abort.options;
  const end = () => {
    const reading = answer();
    if (reading === undefined) request.destroy();
    else reading.destroy(Object.assign(new Error('given up'), { code: 'ABORTED' }));
  };
  if (signal.aborted) return end();
  signal.addEventListener('abort', end);
  request.once('close', () => signal.removeEventListener('abort', end));
}

const send = (body, request) => {
  if (body === undefined) return request.end();
  if (!(body instanceof Readable)) return request.end(body);
  body.on('error', (error) => request.destroy(error));
  request.once('close', () => body.destroy());
  return body.pipe(request);
};

function overHttp1(call, { clients, ...world }) {
  const { plan } = call;
  const { url, agent } = clients.listener;
  const host = clients.hostOf(plan.client);
  const options = { agent, method: plan.method, path: pathOf(plan.asked), headers: { ...headersOf(plan), host } };
  return new Promise((resolve, reject) => {
    let answer;
    const request = httpRequest(url, options, (response) => {
      answer = response.on('error', () => {});
      resolve({ status: response.statusCode, headers: response.headers, data: response });
    });
    request.on('error', reject);
    endWhenAborted(call, request, () => answer);
    send(bodyOf(call, world), request);
  });
}

function overHttp2(call, { clients, ...world }) {
  const { plan } = call;
  const head = {
    ':method': plan.method,
    ':path': pathOf(plan.asked),
    ':authority': clients.hostOf(plan.client),
    ...headersOf(plan),
  };
  return new Promise((resolve, reject) => {
    const stream = clients.listener.session().request(head, { endStream: false });
    stream.once('response', ({ ':status': status, ...headers }) => resolve({ status, headers, data: stream }));
    stream.on('error', reject);
    // After a reset without an error, such as that of an abort.
    stream.once('close', () => reject(Object.assign(new Error('closed without an answer'), { code: 'CLOSED' })));
    endWhenAborted(call, stream);
    send(bodyOf(call, world), stream);
  });
}

/** The connections of the clients of a listener. */
export class Callers {
  agent = new Agent({ keepAlive: true });
  #session;

  constructor(url) {
    this.url = url;
  }

  session() {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = connect(this.url);
      this.#session.on('error', () => {});
    }
    return this.#session;
  }

  close() {
    this.agent.destroy();
    this.#session?.destroy();
  }
}

/** By the name of the way in a plan. */
export const foreignWays = { router, dispatcher, listener };
