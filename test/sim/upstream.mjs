/** Upstreams of a simulation, as transports: their time is virtual. */
import { AxiosError, CanceledError } from 'axios';

export function answer(config, status = 200) {
  const response = { data: '', status, statusText: '', headers: {}, config, request: undefined };
  if (status < 400) return response;
  throw new AxiosError(`status ${status}`, AxiosError.ERR_BAD_RESPONSE, config, undefined, response);
}

/** Answers after `ms()`, with the status that `status()` says, however many ask. */
export function delayed(ms, status = () => 200) {
  const transport = (config) =>
    new Promise((resolve, reject) => {
      transport.requests++;
      const timer = setTimeout(() => {
        try {
          resolve(answer(config, status()));
        } catch (error) {
          reject(error);
        }
      }, ms(config));
      config.signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(new CanceledError(undefined, config));
      });
    });
  return Object.assign(transport, { requests: 0 });
}

/** So many workers behind one queue, first come, first served. */
export class Station {
  requests = 0;
  served = 0;
  #queue = [];
  #busy = 0;

  /** `noticesAborts`: what was aborted is not worked on. */
  constructor({ workers, service, noticesAborts = true }) {
    this.workers = workers;
    this.service = service;
    this.noticesAborts = noticesAborts;
  }

  get depth() {
    return this.#queue.length;
  }

  send = (config) =>
    new Promise((resolve, reject) => {
      this.requests++;
      const job = { config, resolve, aborted: false };
      config.signal?.addEventListener('abort', () => {
        job.aborted = true;
        reject(new CanceledError(undefined, config));
      });
      this.#queue.push(job);
      this.pump();
    });

  /** Starts what there are workers for; call it when `workers` has been changed. */
  pump() {
    while (this.#busy < this.workers && this.#queue.length > 0) {
      const job = this.#queue.shift();
      if (job.aborted && this.noticesAborts) continue;
      this.#busy++;
      setTimeout(() => {
        this.#busy--;
        this.served++;
        if (!job.aborted) job.resolve(answer(job.config));
        this.pump();
      }, this.service());
    }
  }
}
