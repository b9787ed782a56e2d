/** Answers as they come over the socket, byte by byte. */
import type { Socket } from 'node:net';
import { startTcp } from '../../support/upstream.js';
import { type Case, once } from '../case.js';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n';

/** Answers each request on each connection with this text, then `after`. */
const answering =
  (text: string, after: (socket: Socket) => void = () => {}) =>
  (socket: Socket) =>
    void socket.on('data', () => socket.write(text, () => after(socket)));

export const rawAnswers: readonly Case[] = [
  {
    name: 'an answer of HTTP/1.0 ends with its connection',
    only: once,
    run: async ({ http }) => {
      const { port } = await startTcp(answering('HTTP/1.0 200 OK\r\n\r\nold', (socket) => socket.end()));
      return (await http.get(`http://127.0.0.1:${port}/`)).data;
    },
    expect: 'old',
  },
  {
    name: 'an answer without any length ends with its connection',
    only: once,
    run: async ({ http }) => {
      const { port } = await startTcp(answering('HTTP/1.1 200 OK\r\n\r\nto the end', (socket) => socket.end()));
      return (await http.get(`http://127.0.0.1:${port}/`)).data;
    },
    expect: 'to the end',
  },
  {
    name: '100, which nobody asked for, is not the answer',
    only: once,
    run: async ({ http }) => {
      const { port } = await startTcp(answering(`HTTP/1.1 100 Continue\r\n\r\n${ok}\r\nok`));
      return http.get(`http://127.0.0.1:${port}/`).then(
        ({ status, data }) => [status, data],
        ({ code }) => code,
      );
    },
    expect: [200, 'ok'],
    differs: { reason: 'A `100 Continue` that nobody asked for is ECONNRESET.', expect: 'ECONNRESET' },
  },
  {
    name: '103 is not the answer, and its headers are not either',
    only: once,
    run: async ({ http }) => {
      const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
      const { port } = await startTcp(answering(`${early}${ok}\r\nok`));
      const { status, data, headers } = await http.get(`http://127.0.0.1:${port}/`);
      return [status, data, headers.link];
    },
    expect: [200, 'ok', undefined],
  },
  {
    name: 'trailers of a chunked body are no part of it',
    only: once,
    run: async ({ http }) => {
      const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n';
      const { port } = await startTcp(answering(`${chunked}2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n`));
      const { data, headers } = await http.get(`http://127.0.0.1:${port}/`);
      return [data, headers['x-sum']];
    },
    expect: ['ok', undefined],
  },
  {
    name: 'a HEAD with a content-length does not wait for a body',
    only: once,
    run: async ({ http }) => {
      const { port } = await startTcp(answering('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n'));
      const { data, headers } = await http.head(`http://127.0.0.1:${port}/`);
      return [data, headers['content-length']];
    },
    expect: ['', '1000'],
  },
  {
    name: 'headers that come twice, in any case and with any space, are read',
    only: once,
    run: async ({ http }) => {
      const { port } = await startTcp(answering(`${ok}x-a:b\r\nX-A:   c  \r\n\r\nok`));
      return (await http.get(`http://127.0.0.1:${port}/`)).headers['x-a'];
    },
    expect: 'b, c',
  },
  {
    name: 'a status without a text is fine',
    only: once,
    run: async ({ http }) => {
      const { port } = await startTcp(answering('HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok'));
      const { status, statusText, data } = await http.get(`http://127.0.0.1:${port}/`);
      return [status, statusText, data];
    },
    expect: [200, '', 'ok'],
  },
];
