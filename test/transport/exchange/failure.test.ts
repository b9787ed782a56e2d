/** failure: what undici, Node and llhttp call a failure, in the words that callers know. */

import http from 'node:http';
import { createRequire } from 'node:module';
import { AxiosError } from 'axios';
import { errors } from 'undici';
import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/call/failure.js';
import { codeOf, inKnownWords, isClosed } from '../../../src/transport/exchange/codes.js';
import { parserCode } from '../../../src/transport/pool/parser.js';
import { startTcp } from '../../support/upstream.js';

const failing = (code: string, message = '') => Object.assign(new Error(message), { code });

/** What axios, Node, the system and this library call their errors. */
const known = /^(E[A-Z]+|ERR_(BAD_REQUEST|BAD_RESPONSE|CANCELED|NETWORK|CLOSED|CONNECT_TIMEOUT)|HPE_[A-Z_]+)$/;

describe("undici's errors", () => {
  const made = Object.entries(errors).map(([name, Made]) => {
    const error = Reflect.construct(Made as never, ['it failed', 'UND_ERR_SOCKS_FAILED', {}]) as NodeJS.ErrnoException;
    // What takes a code as its second argument keeps it; the others have their own.
    return [name, error] as const;
  });

  it('are all of them looked at', () => {
    const own = createRequire(import.meta.url)('undici/lib/core/errors.js') as object;
    expect(made.length).toBeGreaterThan(20);
    expect(made.map(([name]) => name).sort()).toEqual(Object.keys(own).sort());
  });

  it.each(made)('get a code of axios or Node: %s', (_, error) => {
    expect(codeOf(error)).toMatch(known);
    expect(inKnownWords(error).code).toBe(codeOf(error));
    expect(inKnownWords(error).code).not.toMatch(/^UND_/);
  });

  it.each([
    ['UND_ERR_SOCKET', 'ECONNRESET', 'reset'],
    ['UND_ERR_INFO', 'ECONNRESET', 'reset'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'ECONNRESET', 'reset'],
    ['UND_ERR_CONNECT_TIMEOUT', 'ERR_CONNECT_TIMEOUT', 'connect'],
    ['UND_ERR_HEADERS_TIMEOUT', 'ETIMEDOUT', 'timeout'],
    ['UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT', 'timeout'],
    ['UND_ERR_HEADERS_OVERFLOW', 'HPE_HEADER_OVERFLOW', 'permanent'],
    ['UND_ERR_INVALID_ARG', 'ERR_BAD_REQUEST', 'permanent'],
    ['UND_ERR_NOT_SUPPORTED', 'ERR_BAD_REQUEST', 'permanent'],
    ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'ERR_BAD_REQUEST', 'permanent'],
    ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'ERR_BAD_RESPONSE', 'permanent'],
    ['UND_ERR_ABORTED', 'ERR_CANCELED', 'cancelled'],
    ['UND_ERR_DESTROYED', 'ERR_CLOSED', 'local'],
    ['UND_ERR_CLOSED', 'ERR_CLOSED', 'local'],
    ['UND_ERR_OF_TOMORROW', 'ERR_NETWORK', 'reset'],
    ['UND_ERR', 'ERR_NETWORK', 'reset'],
  ])('%s is %s, a failure of the kind "%s"', (code, expected, kind) => {
    expect(codeOf(failing(code))).toBe(expected);
    expect(classify(new AxiosError('', codeOf(failing(code))))).toBe(kind);
  });

  it('stay known once they have been told', () => {
    for (const code of ['UND_ERR_DESTROYED', 'UND_ERR_CLOSED']) {
      const error = failing(code);
      expect([isClosed(error), isClosed(inKnownWords(error)), isClosed(inKnownWords(error))]).toEqual([
        true,
        true,
        true,
      ]);
    }
    expect(isClosed(failing('ECONNRESET'))).toBe(false);
  });
});

describe("Node's errors", () => {
  it.each([
    ['ERR_HTTP2_STREAM_CANCEL', 'ECONNRESET', 'reset'],
    ['ERR_HTTP2_INVALID_SESSION', 'ECONNRESET', 'reset'],
    ['ERR_HTTP2_GOAWAY_SESSION', 'ECONNRESET', 'reset'],
    ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'reset'],
    ['ERR_HTTP2_STREAM_ERROR', 'ECONNRESET', 'reset'],
    ['ERR_HTTP2_SESSION_ERROR', 'ECONNRESET', 'reset'],
    ['ERR_HTTP2_ERROR', 'ECONNRESET', 'reset'],
    ['ERR_INVALID_HTTP_TOKEN', 'ERR_BAD_REQUEST', 'permanent'],
    ['ERR_INVALID_CHAR', 'ERR_BAD_REQUEST', 'permanent'],
    ['ERR_HTTP2_INVALID_CONNECTION_HEADERS', 'ERR_BAD_REQUEST', 'permanent'],
    ['ERR_HTTP2_INVALID_HEADER_VALUE', 'ERR_BAD_REQUEST', 'permanent'],
    ['EPIPE', 'EPIPE', 'reset'],
    ['ECONNREFUSED', 'ECONNREFUSED', 'connect'],
    ['CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED', 'tls'],
  ])('%s is %s, a failure of the kind "%s"', (code, expected, kind) => {
    expect(codeOf(failing(code))).toBe(expected);
    expect(classify(new AxiosError('', codeOf(failing(code))))).toBe(kind);
  });

  it('of a refused stream are recognised by their text', () => {
    const refused = failing('ERR_HTTP2_STREAM_ERROR', 'Stream closed with error code NGHTTP2_REFUSED_STREAM');
    expect(codeOf(refused)).toBe('REFUSED_STREAM');
    expect(classify(new AxiosError('', codeOf(refused)))).toBe('refused_stream');
  });

  it('without a code are a lost connection, and no name of Object.prototype is one', () => {
    expect(codeOf(new Error('gone'))).toBe('ECONNRESET');
    expect(codeOf(failing('constructor'))).toBe('constructor');
  });
});

describe('a breach of HTTP', () => {
  const answers = {
    garbage: 'SSH-2.0-OpenSSH\r\n',
    'a page without a head': '<html></html>',
    'a wrong version': 'HTTP/9.9 200 OK\r\n\r\n',
    'a wrong dot': 'HTTP/1x1 200 OK\r\n\r\n',
    'no status': 'HTTP/1.1\r\n\r\n',
    'a short status': 'HTTP/1.1 20 OK\r\n\r\n',
    'a long status': 'HTTP/1.1 2000 OK\r\n\r\n',
    'a line without CR': 'HTTP/1.1 200 OK\nx: y\n\n',
    'a header line without CR': 'HTTP/1.1 200 OK\r\nx: y\nz: a\r\n\r\n',
    'a space before a header': 'HTTP/1.1 200 OK\r\n x: y\r\n\r\n',
    'a folded header': 'HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n',
    'a header without a name': 'HTTP/1.1 200 OK\r\n: y\r\n\r\n',
    'a header with a NUL': 'HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n',
    'an empty length': 'HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n',
    'a huge length': 'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n',
    'a length behind a coding': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n',
    'a coding behind a length': 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
    'a chunk extension that is none': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5; a\r\nhello\r\n0\r\n\r\n',
    'a huge chunk': `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'f'.repeat(20)}\r\n`,
    'a chunk without its end': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n',
  };

  /** Node's code for it, and llhttp's reason. */
  async function byNode(text: string): Promise<{ code?: string; reason?: string }> {
    const { port } = await startTcp((socket) => void socket.on('error', () => {}).once('data', () => socket.end(text)));
    return new Promise((resolve) => {
      const request = http.get({ port, host: '127.0.0.1' }, (response) => void response.on('error', () => {}).resume());
      request.on('error', (error) => resolve(error as { code?: string }));
    });
  }

  it.each(Object.entries(answers))('has the code of Node for the reason that llhttp gives: %s', async (_, text) => {
    const { code, reason = '' } = await byNode(text);
    expect(code).toMatch(/^HPE_/);
    expect(parserCode(`Response does not match the HTTP/1.1 protocol (${reason})`)).toBe(code);
  });

  it('in the body of a stream is reported as a lost connection, as Node reports it', () => {
    const error = Object.assign(new Error('(Invalid character in chunk size)'), { name: 'HTTPParserError' });
    expect(codeOf(error)).toBe('HPE_INVALID_CHUNK_SIZE');
    expect(codeOf(error, { streaming: true })).toBe('ECONNRESET');
  });

  it('that nobody knows is no HTTP at all, and an answer that ends in its middle a lost connection', () => {
    expect(parserCode('')).toBe('HPE_INVALID_CONSTANT');
    expect(parserCode('Response does not match the HTTP/1.1 protocol (Invalid EOF state)')).toBe('ECONNRESET');
  });
});
