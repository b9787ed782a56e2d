/** `timeout` of a call. */
import type { AxiosRequestConfig } from 'axios';
import { until } from '../../support/client.js';
import { type Case, once } from '../case.js';
import { failure, pick, textOf } from '../outcomes.js';
import { type Answer, hangs } from '../server.js';

const deadline = {
  reason: "A call ends after `timeouts.total` or its own `timeout`, a stream too; axios's is an idle timer.",
  wires: ['client'] as const,
};

/** The error of a call that gets no answer. */
const unanswered =
  (config: AxiosRequestConfig): Case['run'] =>
  async ({ http, serveEarly }) =>
    pick(await failure(http.get(serveEarly(hangs), config)), 'code', 'message');

/** A byte each 30 ms, ten of them. */
const drips: Answer = (_, response) => {
  let count = 0;
  const timer = setInterval(() => {
    response.write('.');
    if (++count < 10) return;
    clearInterval(timer);
    response.end();
  }, 30);
};

const ms = 40;
const message = `timeout of ${ms}ms exceeded`;

export const timeouts: readonly Case[] = [
  {
    name: 'no answer in time is ECONNABORTED',
    run: unanswered({ timeout: ms }),
    expect: { code: 'ECONNABORTED', message },
  },
  {
    name: 'clarifyTimeoutError calls it ETIMEDOUT',
    run: unanswered({ timeout: ms, transitional: { clarifyTimeoutError: true } }),
    expect: { code: 'ETIMEDOUT', message },
  },
  {
    name: 'timeoutErrorMessage is the message',
    run: unanswered({ timeout: ms, timeoutErrorMessage: 'too slow' }),
    expect: { code: 'ECONNABORTED', message: 'too slow' },
  },
  {
    name: 'a timeout of digits is a number',
    run: unanswered({ timeout: String(ms) as never }),
    expect: { code: 'ECONNABORTED', message },
  },
  {
    name: 'a timeout that is no number is refused',
    only: once,
    run: async ({ http }) => pick(await failure(http.get('/echo', { timeout: 'soon' as never })), 'code'),
    expect: { code: 'ERR_BAD_OPTION_VALUE' },
  },
  {
    name: 'timeout: 0 is no limit',
    run: async ({ http, serve }) => {
      const path = serve((_, response) => void setTimeout(() => response.end('late'), 60));
      return (await http.get(path, { timeout: 0 })).data;
    },
    expect: 'late',
  },
  {
    name: 'an answer in time is an answer',
    run: async ({ http }) => (await http.get('/echo', { timeout: 5000 })).status,
    expect: 200,
  },
  {
    name: 'the request at the server ends with the timeout',
    run: async ({ http, serveEarly }) => {
      let left = false;
      const path = serveEarly((_, response) => {
        response.once('close', () => {
          left = true;
        });
      });
      await failure(http.get(path, { timeout: ms }));
      await until(() => left);
      return left;
    },
    expect: true,
  },
  {
    name: 'a stream may take longer than the timeout, once it is there and flows',
    run: async ({ http, serve }) => {
      const { data } = await http.get(serve(drips), { timeout: 220, responseType: 'stream' });
      return textOf(data).catch(({ code }) => code);
    },
    expect: '..........',
    differs: { ...deadline, expect: 'ECONNABORTED' },
  },
  {
    name: 'a body that stalls is ECONNABORTED where no redirect is followed',
    run: async ({ http, serve }) => {
      const path = serve((_, response) => void response.write('a beginning'));
      return pick(await failure(http.get(path, { timeout: ms, maxRedirects: 0 })), 'code', 'message');
    },
    expect: { code: 'ECONNABORTED', message },
  },
  {
    name: 'a body that flows may take longer than the timeout',
    run: async ({ http, serve }) => {
      const answer = http.get(serve(drips), { timeout: 220 });
      return answer.then(
        ({ data }) => data,
        ({ code }) => code,
      );
    },
    expect: '..........',
    differs: [
      {
        reason: "`timeout` bounds the whole call, its body too; axios's is an idle timer.",
        wires: ['adapter'],
        expect: 'ECONNABORTED',
      },
      { ...deadline, expect: 'ECONNABORTED' },
    ],
  },
];
