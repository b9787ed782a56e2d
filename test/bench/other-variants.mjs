/** Other clients, as their documentation has them used. */
import { Agent, request as undiciRequest } from 'undici';
import { identityOf, keepAliveAgents } from './axios-variants.mjs';

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

export function bareUndici({ origin, tls }) {
  const dispatcher = dispatcherOf(tls);
  return (request) => {
    const { method, path, answer } = request;
    const options = { method, headers: headersOf(request), ...(dispatcher && { dispatcher }) };
    return async () => {
      const { body } = await undiciRequest(origin + path, { ...options, body: bodyOf(request) });
      if (answer === 'json') return body.json();
      return answer === 'bytes' ? body.bytes() : body;
    };
  };
}

export async function bareGot({ origin, tls }) {
  const { default: got } = await import('got');
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
  const { default: ky } = await import('ky');
  const dispatcher = dispatcherOf(tls);
  const client = ky.create({
    prefixUrl: origin,
    ...(dispatcher && { fetch: (input, init) => fetch(input, { ...init, dispatcher }) }),
  });
  return (request) => {
    const url = request.path.slice(1);
    const { method, json } = request;
    const options = { method, ...(json ? { json } : { headers: headersOf(request) }) };
    if (request.stream) options.duplex = 'half';
    return async () =>
      readResponse(await client(url, { ...options, ...(!json && { body: bodyOf(request) }) }), request);
  };
}
