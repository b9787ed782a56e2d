/** Scripted upstreams: each plays a list of actions, one for each request, and records what it saw. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';

/**
 * The endpoints of one case. `specs` has one entry an endpoint: `{ kind, tls, script }`, where kind is `http1`, `https`,
 * `h2`, `h2c`, `silent` (accepts connections and says nothing, and keeps their first bytes in `heard`) or `refused`. Without a script of its own an endpoint
 * plays the script of the case. An action is a status or an object of `status`, `headers`, `body`, `delay`, `hang`,
 * `reset` (`now`, `body`), `bodyDelay`, `early` (answers before the request was read) and `goaway`.
 */
export class Upstream {
  #servers = [];
  #sockets = new Set();
  #timers = new Set();
  #script = [];
  #played = new Map();
  ports = [];
  seen = [];
  connections = 0;
  heard = '';

  async open(specs, script) {
    this.#script = script;
    for (const [index, spec] of specs.entries()) {
      if (spec.kind === 'refused') {
        this.ports.push(1);
        continue;
      }
      const server = serverOf(spec, (incoming, answer) => this.#handle(index, spec, incoming, answer));
      server.on(spec.kind === 'https' || spec.kind === 'h2' ? 'secureConnection' : 'connection', () => {
        this.connections++;
      });
      server.on('connection', (socket) => {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        if (spec.kind === 'silent')
          socket.on('data', (bytes) => {
            this.heard += bytes.toString('latin1');
          });
        socket.once('close', () => this.#sockets.delete(socket));
      });
      for (const event of ['sessionError', 'tlsClientError', 'clientError'])
        server.on(event, (_, socket) => socket?.destroy?.());
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      this.ports.push(server.address().port);
      this.#servers.push(server);
    }
  }

  /** Forgets what was seen, plays the script from its beginning, and closes every connection. */
  reset() {
    this.seen = [];
    this.#played.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const socket of this.#sockets) socket.destroy();
    this.connections = 0;
    this.heard = '';
  }

  async close() {
    this.reset();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #handle(index, spec, incoming, answer) {
    const key = spec.script === undefined ? 'case' : index;
    const played = this.#played.get(key) ?? 0;
    this.#played.set(key, played + 1);
    const script = spec.script ?? this.#script;
    const action = actionOf(script[Math.min(played, script.length - 1)] ?? 200);
    const { method, url, httpVersion } = incoming;
    const headers = { ...incoming.headers };
    headers.host ??= headers[':authority'];
    const record = { endpoint: index, method, url, version: httpVersion, headers, body: '' };
    record.socket = incoming.stream?.session?.socket?.remotePort ?? incoming.socket.remotePort;
    this.seen.push(record);
    incoming.on('error', () => {});
    answer.on('error', () => {});
    incoming.setEncoding('utf8').on('data', (text) => {
      record.body += text;
    });
    if (action.early || action.reset === 'now') this.#later(action.delay, () => play(action, incoming, answer, record));
    else incoming.once('end', () => this.#later(action.delay, () => play(action, incoming, answer, record, this)));
  }

  #later(ms, work) {
    if (ms === undefined) return work();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  later(ms, work) {
    this.#later(ms, work);
  }
}

const actionOf = (action) => (typeof action === 'number' ? { status: action } : { status: 200, ...action });

function cut(incoming, answer) {
  if (incoming.stream === undefined) incoming.socket.destroy();
  else answer.stream.close(2);
}

function play(action, incoming, answer, record, upstream) {
  const { status, headers = {}, body = `answer ${status}`, hang, reset, refuse, bodyDelay } = action;
  if (hang) return;
  if (refuse) return void answer.stream.close(7);
  if (reset === 'now') return cut(incoming, answer);
  const text = typeof body === 'function' ? body(record) : body;
  const own = status === 204 || status === 304 ? {} : { 'content-length': Buffer.byteLength(text) };
  answer.writeHead(status, { 'x-upstream': 'yes', ...own, ...headers });
  if (reset === 'body') {
    answer.write(text.slice(0, 3));
    upstream.later(30, () => cut(incoming, answer));
  } else if (bodyDelay !== undefined) {
    answer.write(text.slice(0, 3));
    upstream.later(bodyDelay, () => answer.end(text.slice(3)));
  } else answer.end(status === 204 || status === 304 ? undefined : text);
}

function serverOf({ kind = 'http1', tls }, handle) {
  if (kind === 'silent') return createTcpServer(() => {});
  if (kind === 'h2c') return createHttp2Server({}, handle);
  if (kind === 'h2') return createSecureServer({ ...tls }, handle);
  if (kind === 'https') return createHttpsServer({ ...tls, keepAliveTimeout: 60_000 }, handle);
  return createHttpServer({ keepAliveTimeout: 60_000 }, handle);
}
