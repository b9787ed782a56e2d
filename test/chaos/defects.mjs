/** Clients that are broken on purpose, each in one way: what counts faults has to see them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { closeSync, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { AxiosError } from 'axios';

/** Whatever `answer` gets from the honest wire is changed by `change`. */
const changed = (change) => ({ wire: (honest) => async (request) => change(await honest(request)) });
const kept = [];

/** By what they do: the counter that has to move, `also` another, and what they make of an honest wire; `mend` undoes it. */
export const defects = {
  'does nothing wrong': { kind: undefined },

  'drops the last byte': {
    kind: 'lost',
    ...changed((response) => ({ ...response, bytes: response.bytes.subarray(0, -1) })),
  },

  'answers with the status of another': {
    kind: 'lost',
    ...changed((response) => ({ ...response, status: 202 })),
  },

  'swaps two answers': {
    kind: 'crossed',
    wire(honest) {
      let waiting;
      return async (request) => {
        const own = honest(request);
        const before = waiting;
        waiting = own;
        return (await before) ?? own;
      };
    },
  },

  'mixes a body into another': {
    kind: 'crossed',
    wire(honest) {
      let last;
      return async (request) => {
        const response = await honest(request);
        const bytes = Buffer.from(response.bytes);
        last?.copy(bytes, 160, 160, 320);
        last = response.bytes;
        return { ...response, bytes };
      };
    },
  },

  'runs callbacks for whoever came first': {
    kind: 'crossed',
    wire(honest) {
      let first;
      return async (request) => {
        first ??= AsyncLocalStorage.snapshot();
        return { ...(await honest(request)), run: first };
      };
    },
  },

  'sends each request twice': {
    kind: 'doubled',
    wire: (honest) => async (request) => {
      await honest(request);
      return honest(request);
    },
  },

  'never answers': { kind: 'hanging', calls: 6, wire: () => () => new Promise(() => {}) },

  'throws a moment later': {
    kind: 'uncaught',
    ...changed((response) => {
      setImmediate(() => {
        throw new Error('thrown by nobody');
      });
      return response;
    }),
  },

  'forgets a rejection': {
    kind: 'uncaught',
    ...changed((response) => {
      Promise.reject(new Error('heard by nobody'));
      return response;
    }),
  },

  'emits an error that has no listener': {
    kind: 'uncaught',
    ...changed((response) => {
      new Readable({ read() {} }).destroy(new Error('read by nobody'));
      return response;
    }),
  },

  'fails now and then': {
    kind: 'failed',
    wire: () => async () => {
      throw new AxiosError('no reason', 'ECONNRESET');
    },
  },

  'throws what is no AxiosError': {
    kind: 'strange',
    wire: () => async () => {
      throw Object.assign(new Error('plain'), { code: 'ETIMEDOUT' });
    },
    // It is one that has no reason, too.
    also: 'failed',
  },

  'leaves a timer': {
    kind: 'leaked',
    ...changed((response) => {
      kept.push(setTimeout(() => {}, 1e6));
      return response;
    }),
    mend: () => kept.splice(0).forEach(clearTimeout),
  },

  'leaves a descriptor': {
    // Elsewhere nothing tells of them.
    kind: process.platform === 'linux' ? 'leaked' : undefined,
    ...changed((response) => {
      kept.push(openSync(process.execPath));
      return response;
    }),
    mend: () => kept.splice(0).forEach(closeSync),
  },

  'leaves a listener on a signal': {
    kind: 'leaked',
    // Node warns of so many.
    also: 'uncaught',
    wire:
      (honest, { patient }) =>
      (request) => {
        patient.addEventListener('abort', () => {});
        return honest(request);
      },
  },

  'keeps what it has read': {
    kind: 'leaked',
    ...changed((response) => {
      kept.push(Array.from({ length: 30_000 }, (_, index) => index / 3));
      return response;
    }),
    mend: () => kept.splice(0),
  },
};
