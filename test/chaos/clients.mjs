/** The clients under test: for servers that are well and for those that are not, changed while calls are running. */
import { createHttpClient } from 'pillion';
import { createDispatcher, installFetch, serveSidecar } from 'pillion/sidecar';
import { current } from './context.mjs';
import { Callers } from './ways.mjs';

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

const patient = { total: '20s', attempt: '20s', connect: '10s' };
/** Quick retries without a budget: as many as can be. */
const eager = { maxRetries: 2, backoff: { base: 2, max: 10 }, budget: false };

const variants = {
  calm: { timeouts: patient },
  wild: {
    timeouts: { total: '5s', attempt: '1s' },
    retry: { ...eager, on: ['5xx', 'reset', 'connect-failure', 'refused-stream'] },
    circuitBreaker: false,
  },
};
variants.hedged = { ...variants.wild, hedging: { delay: 10, percentile: 99.99, budget: 1 }, circuitBreaker: {} };

export class Clients {
  #clients = new Map();
  #make = new Map();
  #dispatchers = new Map();
  /** What the listener and the router look clients up in; the router goes by the URL, and so to none that is hedged. */
  #all = [];
  #routed = [];
  #sidecar;
  #uninstall;
  /** How the listener is reached. */
  listener;
  /** Calls that are not over, bodies included: ours by the library's. */
  underWay = new Map();

  constructor(ports, identity) {
    for (const mood of ['calm', 'wild'])
      for (const [server, port] of Object.entries(ports[mood])) {
        this.#add(`${mood} ${server}`, variants[mood], server, port, identity);
        if (mood === 'wild') this.#add(`${mood} ${server} hedged`, variants.hedged, server, port, identity);
      }
  }

  /** Opens the ways in for calls that are not made through a client. */
  async openWays() {
    this.#uninstall = installFetch(this.#routed);
    this.#sidecar = await serveSidecar(this.#all);
    this.listener = new Callers(this.#sidecar.url);
  }

  #add(name, options, server, port, identity) {
    const plain = server === 'h1';
    const baseURL = plain ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
    const config = {
      ...options,
      name: name.replaceAll(' ', '-'),
      baseURL,
      maxRedirects: 3,
      allowH2: server === 'h2' || server === 'few',
    };
    const make = () => createHttpClient(config, { logger: silent, ...(!plain && { identity }) });
    this.#make.set(name, { config, make });
    this.#open(name);
  }

  get names() {
    return [...this.#clients.keys()];
  }

  get(name) {
    return this.#clients.get(name);
  }

  urlOf(name) {
    return this.#make.get(name).config.baseURL;
  }

  dispatcherOf(name) {
    return this.#dispatchers.get(name);
  }

  hostOf(name) {
    return `${this.#make.get(name).config.name}.localhost`;
  }

  /** Another configuration: now and then one that needs new connections. */
  reload(name, chance) {
    const { config } = this.#make.get(name);
    const connections = { maxConnections: chance.pick([64, 65]), keepAliveTimeout: chance.pick(['4s', '3s']) };
    const tracing = chance.often(0.5) ? {} : { attemptCountHeader: 'x-attempt' };
    this.get(name).update({ ...config, tracing, ...(chance.often(0.5) && { connections }) });
  }

  /** Closes one while calls are running, and has another in its place. */
  replace(name, grace) {
    const old = this.get(name);
    this.#open(name);
    return old.close({ grace });
  }

  #open(name) {
    const client = this.#make.get(name).make();
    client.on('call.started', ({ call }) => this.underWay.set(call, current()));
    client.on('call.ended', ({ call }) => this.underWay.delete(call));
    this.#clients.set(name, client);
    this.#dispatchers.set(name, createDispatcher(client));
    const entries = [...this.#clients];
    this.#all.splice(0, Infinity, ...entries.map(([, each]) => each));
    const routed = entries.filter(([each]) => !each.endsWith('hedged'));
    this.#routed.splice(0, Infinity, ...routed.map(([, each]) => each));
  }

  async close() {
    this.#uninstall();
    this.listener.close();
    await this.#sidecar.close({ grace: 500 });
    await Promise.all([...this.#clients.values()].map((client) => client.close({ grace: 500 })));
  }
}
