/** The servers, as their parent sees them: those that are well in one process, the wild ones in another. */
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** What ends a process whose memory is broken, which JavaScript cannot do by itself. */
const crashes = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGTRAP']);

/**
 * Node 20 breaks its own memory at times under what the wild servers do to HTTP/2 over TLS: glibc then ends their process, deep in
 * OpenSSL's reading of a ticket. They are opened anew on the same ports, as after any restart, and the report counts it.
 */
export function startServers() {
  const calm = new Servers();
  const wild = new Servers();
  return {
    get crashed() {
      return calm.crashed + wild.crashed;
    },
    async open(material) {
      const [well, broken] = await Promise.all([calm.open(material), wild.open(material)]);
      return { calm: well, wild: broken };
    },
    restart: (options) => wild.ask('restart', options),
    async doubled() {
      const keys = await Promise.all([calm, wild].map((servers) => servers.ask('doubled')));
      return keys.flat();
    },
    async stop() {
      await Promise.all([calm.stop(), wild.stop()]);
    },
  };
}

class Servers {
  crashed = 0;
  #child;
  #waiting = new Map();
  #count = 0;
  #stopping = false;
  /** What they were opened with, ports included. */
  #options;
  #opening;

  constructor() {
    this.#start();
  }

  #start() {
    const child = fork(new URL('process.mjs', import.meta.url), {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('message', ({ id, result }) => this.#settle(id, result));
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      if (!crashes.has(signal))
        throw new Error(`The servers ended with ${signal ?? code}: a fault of their own.\n${stderr}`);
      this.crashed++;
      for (const id of [...this.#waiting.keys()]) this.#settle(id, undefined);
      this.#start();
      this.#opening = this.#send('open', this.#options);
    });
    this.#child = child;
  }

  #settle(id, result) {
    this.#waiting.get(id)?.(result);
    this.#waiting.delete(id);
  }

  #send(what, options) {
    const id = ++this.#count;
    this.#child.send({ id, what, ...options });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async open(material) {
    this.#opening = this.#send('open', material);
    const ports = await this.#opening;
    this.#options = { ...material, ports };
    return ports;
  }

  /** After a crash: of what it left nothing is known. */
  async ask(what, options = {}) {
    await this.#opening;
    return (await this.#send(what, options)) ?? [];
  }

  async stop() {
    this.#stopping = true;
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    await gone;
  }
}
