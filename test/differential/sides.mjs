/** Sends the requests of a case: over Envoy's listener with node:http, and with the imported client. */
import { Agent, request as httpRequest } from 'node:http';
import { performance } from 'node:perf_hooks';

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

/** Requests over Envoy. */
export function overEnvoy(port, id) {
  const agent = new Agent({ keepAlive: true, maxSockets: 500 });
  const send = ({ method = 'GET', path = '/', headers = {}, body }) => {
    const startedAt = performance.now();
    let resolve;
    const promise = new Promise((settle) => {
      resolve = settle;
    });
    const outgoing = httpRequest(
      { port, agent, method, path, headers: { host: `${id}.test`, ...headers } },
      (incoming) => {
        let text = '';
        const local = incoming.headers['x-local'];
        const fields = { headers: incoming.headers };
        // Envoy's own words for a failure are not compared, but those of a direct response are.
        const isOwn = (what) => !Number.isInteger(what) || text === 'fault filter abort';
        const done = (what) => resolve(answered(startedAt, what, { ...fields, body: isOwn(what) ? '' : text }));
        incoming.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        incoming.once('error', () => done('cut short'));
        incoming.once('end', () => {
          if (local === undefined || incoming.headers['x-upstream'] !== undefined) return done(incoming.statusCode);
          // `-` stands for a reply without a flag, such as a redirect or a direct response.
          const flag = local.split(',').find((each) => flagWords[each] !== undefined);
          // `max_stream_duration` has no flag either.
          const plain = incoming.statusCode === 504 ? 'timeout' : incoming.statusCode;
          done(flag === undefined ? plain : flagWords[flag]);
        });
      },
    );
    outgoing.once('error', (error) => resolve(answered(startedAt, `error ${error.code}`, { headers: {}, body: '' })));
    outgoing.end(body);
    return promise;
  };
  return { send, close: () => agent.destroy() };
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
