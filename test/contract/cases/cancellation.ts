/** Calls that are given up: by signal and by token. */
import { Readable } from 'node:stream';
import axios, { type AxiosRequestConfig } from 'axios';
import { until } from '../../support/client.js';
import { type Case, once, type Wire } from '../case.js';
import { failure, hanging, pick, refusal, textOf } from '../outcomes.js';

const canceled = { code: 'ERR_CANCELED', message: 'canceled' };

/** Headers and the beginning of a body that never ends. */
function dripping({ serve }: Wire) {
  const state = { left: false, path: '' };
  state.path = serve((_, response) => {
    response.once('close', () => {
      state.left = true;
    });
    response.write('a beginning');
  });
  return state;
}

export const cancellation: readonly Case[] = [
  {
    name: 'a signal aborted before sends nothing',
    run: async (wire) => {
      const state = hanging(wire);
      const told = await refusal(wire.http.get(state.path, { signal: AbortSignal.abort() }));
      await wire.http.get('/echo');
      return [told, state.asked];
    },
    expect: [canceled, false],
  },
  {
    name: 'an abort ends the call, and the request at the server',
    run: async (wire) => {
      const state = hanging(wire);
      const controller = new AbortController();
      const told = refusal(wire.http.get(state.path, { signal: controller.signal }));
      await until(() => state.asked);
      controller.abort();
      const error = await told;
      await until(() => state.left);
      return error;
    },
    expect: canceled,
  },
  {
    name: 'what an abort rejects with is a cancellation with its config',
    run: async ({ http, serveEarly }) => {
      const controller = new AbortController();
      const path = serveEarly(() => controller.abort(new Error('a reason')));
      const error = await failure(http.get(path, { signal: controller.signal }));
      return [axios.isCancel(error), error instanceof axios.CanceledError, error.name, error.config?.url === path];
    },
    expect: [true, true, 'CanceledError', true],
  },
  {
    name: 'an abort in mid-body ends the call',
    run: async (wire) => {
      const state = dripping(wire);
      const controller = new AbortController();
      const onDownloadProgress = () => controller.abort();
      const error = await refusal(wire.http.get(state.path, { signal: controller.signal, onDownloadProgress }));
      await until(() => state.left);
      return error;
    },
    expect: canceled,
  },
  {
    name: 'an abort ends a response stream',
    run: async (wire) => {
      const state = dripping(wire);
      const controller = new AbortController();
      const { data } = await wire.http.get(state.path, { signal: controller.signal, responseType: 'stream' });
      const read = failure(textOf(data));
      controller.abort();
      const error = await read;
      await until(() => state.left);
      return error.code;
    },
    expect: 'ERR_CANCELED',
  },
  {
    name: 'an abort ends an upload',
    run: async ({ http, serveEarly }) => {
      const controller = new AbortController();
      const path = serveEarly((request) => void request.once('data', () => controller.abort()).on('error', () => {}));
      const data = new Readable({ read() {} });
      data.push('a');
      const headers = { 'Content-Type': 'text/plain' };
      return refusal(http.post(path, data, { signal: controller.signal, headers }));
    },
    expect: canceled,
  },
  {
    name: 'an abort between redirects ends the call',
    axiosCannot: ['h2'],
    run: async ({ http, serve }) => {
      const controller = new AbortController();
      const path = serve((_, response) => {
        controller.abort();
        response.writeHead(302, { location: '/echo' }).end();
      });
      return refusal(http.get(path, { signal: controller.signal }));
    },
    expect: canceled,
  },
  {
    name: 'an abort after the answer changes nothing',
    run: async ({ http }) => {
      const controller = new AbortController();
      const response = await http.get('/echo', { signal: controller.signal });
      controller.abort();
      return pick(response, 'status');
    },
    expect: { status: 200 },
  },
  {
    name: 'a signal for many calls ends all of them, and keeps no listener of those that ended',
    only: once,
    run: async (wire) => {
      const listeners = new Set<unknown>();
      const controller = new AbortController();
      const { signal } = controller;
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
        listeners.add(given[1]);
        addEventListener.apply(signal, given);
      };
      signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
        listeners.delete(given[1]);
        removeEventListener.apply(signal, given);
      };
      await Promise.all([1, 2, 3].map(() => wire.http.get('/echo', { signal })));
      const left = listeners.size;
      const state = hanging(wire);
      const calls = [1, 2].map(() => refusal(wire.http.get(state.path, { signal })));
      await until(() => state.asked);
      controller.abort();
      return [left, await Promise.all(calls)];
    },
    expect: [0, [canceled, canceled]],
  },
  {
    name: 'AbortSignal.timeout is a cancellation',
    run: async (wire) => refusal(wire.http.get(hanging(wire).path, { signal: AbortSignal.timeout(30) })),
    expect: canceled,
  },
  {
    name: 'after a cancellation the next call goes well',
    run: async (wire) => {
      const state = hanging(wire);
      await failure(wire.http.get(state.path, { signal: AbortSignal.timeout(20) }));
      return (await wire.http.get('/echo')).status;
    },
    expect: 200,
  },
  {
    name: 'an abort while the address is looked up ends the call',
    only: once,
    run: async ({ http }) => {
      const controller = new AbortController();
      const lookup = () => controller.abort();
      const config = { lookup, signal: controller.signal } as AxiosRequestConfig;
      return refusal(http.get('http://example.test/', config));
    },
    expect: canceled,
  },
];
