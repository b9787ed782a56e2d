/** What goes wrong, and by which code. */
import type { Socket } from 'node:net';
import axios from 'axios';
import { expect } from 'vitest';
import { closedPort, startTcp } from '../../support/upstream.js';
import { type Case, once } from '../case.js';
import { failure } from '../outcomes.js';

/** The code of the error where the server does this with the connection, once it has read something. */
const broken =
  (script: (socket: Socket) => void): Case['run'] =>
  async ({ http }) => {
    const { port } = await startTcp((socket) => socket.once('data', () => script(socket)));
    const error = await failure(http.get(`http://127.0.0.1:${port}/`));
    return [error.code, error.response?.status, axios.isAxiosError(error)];
  };

const answersWith = (text: string) => broken((socket) => void socket.end(text));
const head = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n';
const midBody = { reason: 'A connection lost in mid-body is ECONNRESET.', wires: ['client'] as const };

export const errors: readonly Case[] = [
  {
    name: 'nobody listens: ECONNREFUSED',
    only: once,
    run: async ({ http }) => {
      const { code, response, message } = await failure(http.get(`http://127.0.0.1:${await closedPort()}/`));
      return [code, response, message.includes('ECONNREFUSED 127.0.0.1')];
    },
    expect: ['ECONNREFUSED', undefined, true],
  },
  {
    name: 'no such host: ENOTFOUND or EAI_AGAIN',
    only: once,
    run: async ({ http }) => (await failure(http.get('http://no-such-host.invalid/'))).code,
    expect: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
  },
  {
    name: 'a reset before the answer: ECONNRESET',
    only: once,
    run: broken((socket) => void socket.resetAndDestroy()),
    expect: ['ECONNRESET', undefined, true],
  },
  {
    name: 'a connection closed without an answer: ECONNRESET',
    only: once,
    run: broken((socket) => void socket.end()),
    expect: ['ECONNRESET', undefined, true],
  },
  {
    name: 'a reset in mid-body: ECONNRESET',
    only: once,
    run: broken(
      (socket) => void socket.write(`${head}ten bytes.`, () => setTimeout(() => socket.resetAndDestroy(), 20)),
    ),
    expect: ['ECONNRESET', undefined, true],
  },
  {
    name: 'a body shorter than its content-length: ERR_BAD_RESPONSE',
    only: once,
    run: answersWith(`${head}ten bytes.`),
    expect: ['ERR_BAD_RESPONSE', 200, true],
    differs: { ...midBody, expect: ['ECONNRESET', undefined, true] },
  },
  {
    name: 'a chunked body without its end: ERR_BAD_RESPONSE',
    only: once,
    run: answersWith('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'),
    expect: ['ERR_BAD_RESPONSE', 200, true],
    differs: { ...midBody, expect: ['ECONNRESET', undefined, true] },
  },
  {
    name: 'an answer that is no HTTP: a parser error',
    only: once,
    run: answersWith('SSH-2.0-OpenSSH\r\n'),
    expect: [expect.stringMatching(/^HPE_/), undefined, true],
  },
  {
    name: 'headers larger than 16 KiB: HPE_HEADER_OVERFLOW',
    only: once,
    run: answersWith(`HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(20_000)}\r\ncontent-length: 0\r\n\r\n`),
    expect: ['HPE_HEADER_OVERFLOW', undefined, true],
  },
  {
    name: 'a certificate nobody trusts is named',
    only: ['https'],
    run: async ({ origin }) => (await failure(axios.get(origin, { adapter: 'http', proxy: false }))).code,
    expect: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  {
    name: 'a certificate for another name is named',
    only: ['https'],
    run: async ({ http, origin }) => (await failure(http.get(origin.replace('localhost', '127.0.0.1')))).code,
    expect: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  {
    name: 'http spoken to an https server is a lost connection',
    only: ['https'],
    run: async ({ http, origin }) => (await failure(http.get(origin.replace('https', 'http')))).code,
    expect: expect.stringMatching(/^(ECONNRESET|HPE_INVALID_CONSTANT|EPIPE)$/),
  },
];
