/** Other clients, as their documentation has them used. */
import { Agent } from 'undici';
import { identityOf, keepAliveAgents } from './axios-variants.mjs';
import { library } from './libraries.mjs';

/** For Node's own fetch, which does not take that of every release of undici. */
const dispatcherOf = (tls) => tls && new Agent({ connect: identityOf(tls) });
const bodyOf = ({ json, bytes, stream }) => (json === undefined ? (bytes ?? stream?.()) : JSON.stringify(json));

function headersOf({ json, bytes, stream }) {
  if (json !== undefined) return { 'content-type': 'application/json' };
  return bytes || stream ? { 'content-type': 'application/octet-stream' } : undefined;
}

/** The answer of fetch in the form that is asked for. */
function readResponse(response, { answer }) {
  if (!response.ok) throw new Error(`Status ${response.status}`);
  if (answer === 'json') return response.json();
  return answer === 'bytes' ? response.arrayBuffer() : response.body;
}

export function globalFetch({ origin, tls }) {
  const dispatcher = dispatcherOf(tls);
  return (request) => {
    const { method, path } = request;
    const init = { method, headers: headersOf(request), ...(request.stream && { duplex: 'half' }), dispatcher };
    return async () => readResponse(await fetch(origin + path, { ...init, body: bodyOf(request) }), request);
  };
}

/** `undici.request`; `through` may send each request in its own way. */
function sentByUndici(undiciRequest, { origin, dispatcher, through = (send) => send() }) {
  return (request) => {
    const { method, path, answer } = request;
    const options = { method, headers: headersOf(request), ...(dispatcher && { dispatcher }) };
    const send = async (signal) => {
      const sent = { ...options, body: bodyOf(request), ...(signal && answer !== 'stream' && { signal }) };
      const { statusCode, body } = await undiciRequest(origin + path, sent);
      if (statusCode !== 200) throw new Error(`Status ${statusCode}`);
      if (answer === 'json') return body.json();
      return answer === 'bytes' ? body.bytes() : body;
    };
    return () => through(send);
  };
}

/** The global dispatcher may be that of the undici which Node itself brings: an older one, and slower. */
const agentOf = ({ Agent: OwnAgent }, tls) => new OwnAgent(tls ? { connect: identityOf(tls) } : {});

export async function bareUndici({ origin, tls }) {
  const undici = await library('undici');
  return sentByUndici(undici.request, { origin, dispatcher: agentOf(undici, tls) });
}

export async function undiciInterceptors({ origin, tls }) {
  const undici = await library('undici');
  const { interceptors, request } = undici;
  const dispatcher = agentOf(undici, tls).compose(interceptors.dns(), interceptors.retry({ maxRetries: 2 }));
  return sentByUndici(request, { origin, dispatcher });
}

/**
 * Retries, a circuit and a time limit, as cockatiel's documentation composes them. The signal is aborted once the function
 * has returned, so that streams go without.
 */
export async function cockatielUndici({ origin, tls }) {
  const undici = await library('undici');
  const cockatiel = await library('cockatiel');
  const { handleAll, retry, circuitBreaker, timeout, wrap } = cockatiel;
  const policy = wrap(
    retry(handleAll, { maxAttempts: 2, backoff: new cockatiel.ExponentialBackoff() }),
    circuitBreaker(handleAll, {
      halfOpenAfter: 5000,
      breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
    }),
    timeout(2500, cockatiel.TimeoutStrategy.Cooperative),
  );
  const through = (send) => policy.execute(({ signal }) => send(signal));
  return sentByUndici(undici.request, { origin, dispatcher: agentOf(undici, tls), through });
}

export async function bareGot({ origin, tls }) {
  const { default: got } = await library('got');
  const { httpAgent, httpsAgent } = keepAliveAgents(tls);
  const client = got.extend({ prefixUrl: origin, agent: { http: httpAgent, https: httpsAgent } });
  return (request) => {
    const { method, answer, json } = request;
    const url = request.path.slice(1);
    const options = { method, ...(json ? { json } : { headers: headersOf(request) }) };
    if (answer === 'stream') return () => client.stream(url, options);
    const send = () => client(url, { ...options, ...(!json && { body: bodyOf(request) }) });
    return answer === 'json' ? () => send().json() : () => send().buffer();
  };
}

export async function bareKy({ origin, tls }) {
  const { default: ky } = await library('ky');
  const dispatcher = dispatcherOf(tls);
  const client = ky.create({
    ...(dispatcher && { fetch: (input, init) => fetch(input, { ...init, dispatcher }) }),
  });
  return (request) => {
    const url = origin + request.path;
    const { method, json } = request;
    const options = { method, ...(json ? { json } : { headers: headersOf(request) }) };
    if (request.stream) options.duplex = 'half';
    return async () =>
      readResponse(await client(url, { ...options, ...(!json && { body: bodyOf(request) }) }), request);
  };
}
