/** Sends the requests of a case: with node:http over Envoy's listener and over ours, and with the imported client. */
import { Agent, request as httpRequest } from 'node:http';
import { performance } from 'node:perf_hooks';
import { serveSidecar } from '../../dist/esm/sidecar/index.js';

/** The words that both sides are compared by, for answers that no upstream gave. */
const flagWords = {
  UF: 'no connection',
  UC: 'connection lost',
  UR: 'connection lost',
  UPE: 'bad answer',
  UT: 'timeout',
  UO: 'too many',
  UH: 'no endpoint',
  RL: 'rate limited',
  UMSDR: 'timeout',
  SI: 'timeout',
  NR: 'no route',
  NC: 'no cluster',
  IH: 'bad request',
};

const codeWords = {
  ECONNREFUSED: 'no connection',
  ERR_CONNECT_TIMEOUT: 'no connection',
  ECONNRESET: 'connection lost',
  EPIPE: 'connection lost',
  UND_ERR_SOCKET: 'connection lost',
  REFUSED_STREAM: 'connection lost',
  HPE_INVALID_CONSTANT: 'bad answer',
  ERR_ATTEMPT_TIMEOUT: 'timeout',
  ERR_DEADLINE: 'timeout',
  ERR_LIMIT: 'too many',
  ERR_NO_ENDPOINT: 'no endpoint',
  ERR_RATE_LIMITED: 'rate limited',
  ERR_TLS_IDENTITY: 'no connection',
  ERR_CIRCUIT_OPEN: 'circuit open',
};

const tlsCodes = /^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS|ERR_SSL|EPROTO)/;

function wordOf(error) {
  const code = error.code ?? error.name;
  // A handshake that the server ends is no connection: the request was not sent.
  if (/before secure TLS/.test(`${error.message} ${error.cause?.message}`)) return 'no connection';
  if (codeWords[code] !== undefined) return codeWords[code];
  return tlsCodes.test(code) ? 'no connection' : `error ${code}: ${error.message}`.slice(0, 200);
}

/** What came back of one request: `what` is a status or one of the words above. */
function answered(startedAt, what, fields) {
  return { what, took: performance.now() - startedAt, ...fields };
}

/** The word for an answer that Envoy made itself; undefined for one of an upstream. */
function envoysOwn({ statusCode, headers }) {
  const local = headers['x-local'];
  if (local === undefined || headers['x-upstream'] !== undefined) return undefined;
  // `-` stands for a reply without a flag, such as a redirect or a direct response.
  const flag = local.split(',').find((each) => flagWords[each] !== undefined);
  if (flag !== undefined) return flagWords[flag];
  // `max_stream_duration` has no flag either.
  return statusCode === 504 ? 'timeout' : statusCode;
}

/** The same for our listener, whose text tells a handshake that the server ended from a lost connection. */
function listenersOwn({ statusCode, headers }, text) {
  const code = headers['x-pillion-error'];
  if (code === undefined) return undefined;
  // Envoy has no flag for it.
  if (code === 'ERR_RATE_LIMITED') return statusCode;
  if (/no connection to the upstream|TLS handshake/.test(text)) return 'no connection';
  return wordOf({ code, message: text });
}

/** What Envoy says with a fault and with a rate limit. */
const ownTexts = /^(fault filter abort|local_rate_limited)$/;

/** Requests over a port; `local` gives the word for an answer that no upstream made. */
function overPort(port, hostOf, local) {
  const agent = new Agent({ keepAlive: true, maxSockets: 500 });
  const send = ({ client, method = 'GET', path = '/', headers = {}, body }) => {
    const startedAt = performance.now();
    let resolve;
    const promise = new Promise((settle) => {
      resolve = settle;
    });
    const outgoing = httpRequest(
      // By address: the name would be looked up for each connection, and tried at ::1 first.
      { host: '127.0.0.1', port, agent, method, path, headers: { host: hostOf(client), ...headers } },
      (incoming) => {
        let text = '';
        const { statusCode: status } = incoming;
        // Words of a proxy for a failure are not compared, but those of a direct response are.
        const isOwn = (what) => !Number.isInteger(what) || incoming.headers['x-pillion-error'] || ownTexts.test(text);
        const done = (what, isLocal) =>
          resolve(
            answered(startedAt, what, { status, isLocal, headers: incoming.headers, body: isOwn(what) ? '' : text }),
          );
        incoming.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        incoming.once('error', () => done('cut short'));
        incoming.once('end', () => {
          const word = local(incoming, text);
          done(word ?? status, word !== undefined);
        });
      },
    );
    outgoing.once('error', (error) => resolve(answered(startedAt, `error ${error.code}`, { headers: {}, body: '' })));
    outgoing.end(body);
    return promise;
  };
  return { send, close: () => agent.destroy() };
}

/** Requests over Envoy. */
export const overEnvoy = (port, id) => overPort(port, () => `${id}.test`, envoysOwn);

/**
 * Requests over a listener of ours in front of the imported clients of a case: the same as over Envoy, but that the host
 * says which client is meant where there are several.
 */
export async function overListener(clients, names, id) {
  const alone = names.length === 1;
  // As in Envoy, whose listener serves web pages.
  const sidecar = await serveSidecar(alone ? clients.get(names[0]) : clients, { allowBrowsers: true });
  const hostOf = (client) => (alone ? `${id}.test` : `${names[client ?? 0] ?? names[0]}.localhost`);
  const { send, close } = overPort(Number(new URL(sidecar.url).port), hostOf, listenersOwn);
  return {
    send,
    close: async () => {
      close();
      await sidecar.close({ grace: 0 });
      await clients.close({ grace: 0 });
    },
  };
}

const silent = Object.fromEntries(
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => [level, () => {}]),
);
/** For `loadHttpClients`; the variable shows whether text of Envoy's file is taken for a reference. */
export const deps = { logger: silent, env: { GREETING: 'expanded' } };

/** Requests with the imported clients of a case; `client` of a request is the place among its `names`. */
export function withClients(clients, names) {
  const send = async ({ client, method = 'GET', path = '/', ownPath = path, headers = {}, body, options = {} }) => {
    const startedAt = performance.now();
    const name = names[client ?? 0] ?? names[0];
    try {
      const response = await clients.get(name).request({
        ...{ method, url: ownPath, headers: { ...headers }, data: body, maxRedirects: 0 },
        ...{ responseType: 'text', transformResponse: (data) => data, validateStatus: () => true },
        ...options,
      });
      return answered(startedAt, response.status, { headers: response.headers, body: `${response.data ?? ''}` });
    } catch (error) {
      return answered(startedAt, wordOf(error), { headers: error.response?.headers ?? {}, body: '', error });
    }
  };
  return { send, close: () => clients.close({ grace: 0 }) };
}
