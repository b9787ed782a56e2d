/** Failures of a client as answers of the listener: the table of docs/sidecar.md. */
import { readFileSync } from 'node:fs';
import { AxiosError } from 'axios';
import { ErrorCode, PillionError } from 'pillion';
import { describe, expect, it } from 'vitest';
import { localAnswer } from '../../src/sidecar/local-answer.js';

const guide = readFileSync(new URL('../../docs/sidecar.md', import.meta.url), 'utf8');
/** Lines such as `| 503 | ERR_CIRCUIT_OPEN | …`. */
const told = [...guide.matchAll(/^\| (\d{3}) \| (`[^|]*`) \|/gm)].flatMap(([, status = '', codes = '']) =>
  [...codes.matchAll(/`(\w+)`/g)].map(([, code = '']) => [code, Number(status)] as const),
);

describe('a failure', () => {
  it.each(told)('with the code %s is answered with %i', (code, status) => {
    const message = code === 'ERR_BAD_REQUEST' && status === 413 ? 'Request body larger than maxBodyLength limit' : 'x';
    expect(localAnswer('billing', new AxiosError(message, code))).toMatchObject({ status, code });
  });

  it('has a line in the guide for each code of ours that a call may fail with', () => {
    expect(Object.values(ErrorCode).filter((code) => !told.some(([known]) => known === code))).toEqual([]);
  });

  it('says when to come again, and that it was overload, as Envoy does', () => {
    const error = new PillionError(ErrorCode.CIRCUIT_OPEN, 'x', undefined, { retryAfter: 1200 });
    expect(localAnswer('billing', error).headers).toEqual(['x-envoy-overloaded', 'true', 'retry-after', '2']);
    const limited = new PillionError(ErrorCode.RATE_LIMITED, 'x');
    expect(localAnswer('billing', limited).headers).toEqual(['x-envoy-ratelimited', 'true']);
  });

  it('names the client and nothing of the error', () => {
    const { text, code } = localAnswer('billing', Object.assign(new Error('secret=1'), { code: 'bad\r\ncode' }));
    expect({ text, code }).toEqual({ text: 'billing: the request failed within the client.', code: 'ERR_UNEXPECTED' });
  });
});
