/** The clients under test: for servers that are well and for those that are not, changed while calls are running. */
import { createHttpClient } from 'pillion';
import { current } from './context.mjs';

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
  /** Calls that are not over, bodies included: ours by the library's. */
  underWay = new Map();

  constructor(ports, identity) {
    for (const mood of ['calm', 'wild'])
      for (const [server, port] of Object.entries(ports[mood])) {
        this.#add(`${mood} ${server}`, variants[mood], server, port, identity);
        if (mood === 'wild') this.#add(`${mood} ${server} hedged`, variants.hedged, server, port, identity);
      }
  }

  #add(name, options, server, port, identity) {
    const plain = server === 'h1';
    const baseURL = plain ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
    const config = { ...options, name, baseURL, maxRedirects: 3, allowH2: server === 'h2' || server === 'few' };
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
  }

  async close() {
    await Promise.all([...this.#clients.values()].map((client) => client.close({ grace: 500 })));
  }
}
