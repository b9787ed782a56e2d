/** What is particular to HTTP/2. */
import http2 from 'node:http2';
import { type Case, h2, once } from '../case.js';
import { echoed, failure, refusal } from '../outcomes.js';

export const overHttp2: readonly Case[] = [
  {
    name: 'requests go over HTTP/2',
    only: h2,
    run: async ({ http, serve }) =>
      (await http.get(serve((request, response) => void response.end(request.httpVersion)))).data,
    expect: 2,
  },
  {
    name: 'the authority is the host of the URL',
    only: h2,
    run: async ({ http, serve, origin }) => {
      const path = serve((request, response) => void response.end(String(request.headers[':authority'])));
      return (await http.get(path, { responseType: 'text' })).data === new URL(origin).host;
    },
    expect: true,
  },
  {
    name: 'headers of the answer have no pseudo-headers',
    only: h2,
    run: async ({ http }) => Object.keys((await http.get('/echo')).headers).filter((name) => name.startsWith(':')),
    expect: [],
  },
  {
    name: 'many calls at once are all answered by what they asked',
    only: h2,
    run: async ({ http }) => {
      const numbers = Array.from({ length: 50 }, (_, at) => at);
      const answers = await Promise.all(numbers.map((at) => echoed(http.post('/echo', { at }))));
      return answers.every(({ body }, at) => body === `{"at":${at}}`);
    },
    expect: true,
  },
  {
    name: 'a stream the server resets is an error',
    only: h2,
    run: async ({ http, serveEarly }) => {
      const path = serveEarly((_, response) => {
        const { stream } = response as unknown as { stream: http2.ServerHttp2Stream };
        stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      });
      return (await failure(http.post(path, 'x'))).isAxiosError;
    },
    expect: true,
  },
  {
    name: 'a version that is neither 1 nor 2 is refused',
    only: once,
    run: ({ http }) => refusal(http.get('/echo', { httpVersion: 3 as 2 })),
    expect: { code: 'ERR_BAD_OPTION_VALUE', message: "Unsupported protocol version '3'" },
  },
  {
    name: 'httpVersion: 2 of a call is HTTP/2',
    only: h2,
    run: async ({ http, serve, ca }) => {
      const path = serve((request, response) => void response.end(request.httpVersion));
      return (await http.get(path, { httpVersion: 2, http2Options: { ca } })).data;
    },
    expect: 2,
  },
];
