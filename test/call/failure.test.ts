/** request: the questions asked of a request or an outcome. */
import { Readable } from 'node:stream';
import { AxiosError, AxiosHeaders, CanceledError } from 'axios';
import { ErrorCode, PillionError } from 'pillion';
import { describe, expect, it } from 'vitest';
import { classify, isUnsent, markUnsent } from '../../src/call/failure.js';
import { isIdempotent, isReplayable } from '../../src/call/repeatable.js';
import { aRequest, methods } from '../policies/alone.js';

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });
const answered = (status: number, code = 'ERR_BAD_RESPONSE') =>
  new AxiosError('answered', code, undefined, undefined, {
    ...{ status, statusText: '', data: '', headers: {}, config: aRequest() },
  });

describe('classify', () => {
  it('ends for errors that contain themselves, as cause or among their errors', () => {
    const circular = Object.assign(new Error(), { code: 'UNKNOWN' });
    circular.cause = circular;
    expect(classify(circular)).toBe('permanent');
    const gathered = Object.assign(new AggregateError([]), { code: 'ETIMEDOUT' });
    gathered.errors.push(gathered, gathered);
    expect(classify(gathered)).toBe('timeout');
  });

  it.each([400, 404, 409, 429, 499, 500, 503, 599])('calls an answer of %d a status', (status) => {
    expect(classify(answered(status))).toBe('status');
  });

  it('goes by the status, whatever the code says', () => {
    expect(classify(answered(503, 'ECONNRESET'))).toBe('status');
    expect(classify(answered(503, 'ERR_CANCELED'))).toBe('status');
  });

  it('does not take an answer below 400 for a status that failed', () => {
    expect(classify(answered(200, 'ECONNRESET'))).toBe('reset');
  });

  it.each([
    ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL'],
    'ERR_CONNECT_TIMEOUT',
  ])('calls %s a connection that was not made', (code) => {
    expect(classify(coded(code))).toBe('connect');
    expect(isUnsent(coded(code))).toBe(true);
  });

  it.each([
    ...['ECONNRESET', 'EPIPE', 'ERR_NETWORK', 'ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_CONSTANT'],
    ...['ERR_HTTP2_STREAM_ERROR', 'ERR_HTTP2_SESSION_ERROR', 'ERR_HTTP2_GOAWAY_SESSION'],
  ])('calls %s a reset: something may have been sent', (code) => {
    expect(classify(coded(code))).toBe('reset');
    expect(isUnsent(coded(code))).toBe(false);
  });

  it.each(['ERR_ATTEMPT_TIMEOUT', 'ECONNABORTED', 'ETIMEDOUT'])('calls %s a timeout', (code) => {
    expect(classify(coded(code))).toBe('timeout');
    expect(isUnsent(coded(code))).toBe(false);
  });

  it("distinguishes the kernel's connect timeout from axios's own", () => {
    expect(classify(coded('ETIMEDOUT', { syscall: 'connect' }))).toBe('connect');
    expect(classify(coded('ETIMEDOUT', { syscall: 'read' }))).toBe('timeout');
  });

  it("finds the kernel's connect timeout under the error of axios, and where every address of a host timed out", () => {
    const connect = () => coded('ETIMEDOUT', { syscall: 'connect' });
    const gathered = (...errors: unknown[]) => coded('ETIMEDOUT', { errors });
    expect(classify(coded('ETIMEDOUT', { cause: connect() }))).toBe('connect');
    expect(classify(gathered(connect(), connect()))).toBe('connect');
    expect(classify(coded('ETIMEDOUT', { cause: gathered(connect(), connect()) }))).toBe('connect');
    // One that got through may have sent something.
    expect(classify(gathered(connect(), coded('ETIMEDOUT', { syscall: 'read' })))).toBe('timeout');
    expect(classify(gathered())).toBe('timeout');
  });

  it.each([
    ...['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_UNTRUSTED', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ...['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    ...['ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ...['EPROTO', 'ERR_TLS_IDENTITY'],
  ])('calls %s TLS', (code) => {
    expect(classify(coded(code))).toBe('tls');
  });

  it('calls a refused certificate TLS although nothing was sent: it will be refused again', () => {
    expect(classify(markUnsent(coded('CERT_HAS_EXPIRED')))).toBe('tls');
  });

  it.each(['ERR_CIRCUIT_OPEN', 'ERR_LIMIT', 'ERR_CLOSED'])('calls %s local', (code) => {
    expect(classify(coded(code))).toBe('local');
  });

  it('names the end of the call deadline, a refused stream refused_stream, and an abort cancelled', () => {
    expect(classify(new PillionError(ErrorCode.DEADLINE, 'late'))).toBe('deadline');
    expect(classify(coded('REFUSED_STREAM'))).toBe('refused_stream');
    expect(classify(new CanceledError())).toBe('cancelled');
  });

  it.each([
    ...['ERR_CONFIG', 'ERR_INVALID_URL', 'ERR_ORIGIN_NOT_ALLOWED', 'ERR_BAD_OPTION', 'ERR_BAD_OPTION_VALUE'],
    ...['ERR_BAD_REQUEST', 'ERR_BAD_RESPONSE', 'ERR_FR_TOO_MANY_REDIRECTS', 'ERR_NOT_SUPPORT', 'ERR_WHO_KNOWS'],
  ])('calls %s permanent', (code) => {
    expect(classify(coded(code))).toBe('permanent');
  });

  it.each([undefined, null, 'text', 42, new Error('no code'), {}, new TypeError('Invalid URL')])(
    'calls what it does not know permanent: %s',
    (thrown) => {
      expect(classify(thrown)).toBe('permanent');
    },
  );

  it('looks through causes, as fetch hides its codes there', () => {
    const hidden = new TypeError('fetch failed', { cause: coded('ECONNREFUSED') });
    expect(classify(hidden)).toBe('connect');
    const deeper = AxiosError.from(hidden, 'ERR_BAD_RESPONSE');
    expect(classify(new Error('outermost', { cause: deeper }))).toBe('connect');
  });

  it('does not run for ever where a cause is its own cause', () => {
    const circular = new Error('circular');
    circular.cause = circular;
    expect(classify(circular)).toBe('permanent');
    expect(isUnsent(circular)).toBe(false);
  });
});

describe('isUnsent', () => {
  it('believes the wire, whatever the code, also under an error that wraps it', () => {
    const lost = markUnsent(coded('ECONNRESET'));
    expect(isUnsent(lost)).toBe(true);
    expect(classify(lost)).toBe('connect');
    expect(isUnsent(new Error('wrapped', { cause: lost }))).toBe(true);
  });

  it('is false for anything in doubt', () => {
    for (const thrown of [coded('ECONNRESET'), answered(503), undefined, null, 'text'])
      expect(isUnsent(thrown)).toBe(false);
  });

  it.each([
    ['cancelled', Object.assign(new CanceledError(), { cause: markUnsent(coded('ECONNREFUSED')) })],
    ['local', new PillionError(ErrorCode.CIRCUIT_OPEN, 'open', undefined, { cause: markUnsent(coded('ECONNRESET')) })],
    ['deadline', new PillionError(ErrorCode.DEADLINE, 'late', undefined, { cause: markUnsent(coded('ECONNRESET')) })],
    ['timeout', new PillionError(ErrorCode.ATTEMPT_TIMEOUT, 'late', undefined, { cause: markUnsent(coded('EPIPE')) })],
  ])('is not what an error that is %s has from its cause, which was the end of something else', (kind, error) => {
    expect(classify(error)).toBe(kind);
    expect(isUnsent(error)).toBe(false);
  });

  it('is false for an answer: something was sent for sure', () => {
    expect(isUnsent(answered(503, 'ECONNREFUSED'))).toBe(false);
  });
});

describe('isIdempotent', () => {
  it.each(methods)(
    'is true for GET, HEAD, OPTIONS, PUT, DELETE and QUERY in any case, and false for others: %s',
    (method) => {
      const safe = method !== 'POST' && method !== 'PATCH';
      expect(isIdempotent(aRequest({ method }))).toBe(safe);
      expect(isIdempotent(aRequest({ method: method.toLowerCase() }))).toBe(safe);
    },
  );

  it('is true for a request without a method: axios sends a GET', () => {
    const { method: _, ...rest } = aRequest();
    expect(isIdempotent(rest as ReturnType<typeof aRequest>)).toBe(true);
  });

  it('is false for methods it does not know', () => {
    for (const method of ['PURGE', 'LINK', 'TRACE', 'CONNECT']) expect(isIdempotent(aRequest({ method }))).toBe(false);
  });

  it('is true with a key', () => {
    expect(isIdempotent(aRequest({ method: 'post', idempotencyKey: 'order-1' }))).toBe(true);
    expect(isIdempotent(aRequest({ method: 'patch', idempotencyKey: true }))).toBe(true);
  });

  it.each([
    ['order-1', true],
    ['', false],
    [' ', false],
    [null, false],
    [false, false],
    [undefined, false],
  ])('an Idempotency-Key header of %j makes it so: %s', (value, expected) => {
    const headers = new AxiosHeaders({ 'idempotency-KEY': value as never });
    expect(isIdempotent(aRequest({ method: 'post', headers }))).toBe(expected);
  });
});

describe('isReplayable', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'text'],
    ['an empty string', ''],
    ['a number', 0],
    ['a Buffer', Buffer.from('bytes')],
    ['an ArrayBuffer', new ArrayBuffer(8)],
    ['a view', new Uint8Array(8)],
    ['URLSearchParams', new URLSearchParams('a=1')],
    ['a Blob', new Blob(['bytes'])],
    ['FormData', new FormData()],
    ['an object', { amount: 1 }],
    ['an array', [1, 2]],
  ])('is true for %s', (_, data) => {
    expect(isReplayable(aRequest({ data }))).toBe(true);
  });

  it.each<[string, unknown]>([
    ['a Node stream', Readable.from(['bytes'])],
    ['what has a pipe, as form-data does', { pipe: () => {} }],
    ['a web stream', new Blob(['bytes']).stream()],
    ['an async iterable', { async *[Symbol.asyncIterator]() {} }],
  ])('is false for %s', (_, data) => {
    expect(isReplayable(aRequest({ data }))).toBe(false);
  });
});
