import { describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { lanes, pause, rejection, watch } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

const crlf = '\r\nx-evil: 1';

describe.each(lanes)('CR and LF on %s', (_, lane) => {
  it.each<[string, object]>([
    ['the URL', { url: `/a${crlf}` }],
    ['the path of an absolute URL', { url: `http://127.0.0.1/a\r\n`, allowAbsoluteUrls: true }],
    ['the query of the URL', { url: `/a?b=c${crlf}` }],
    ['the host', { url: 'http://127.0.0.1\r\n.evil.test/', allowAbsoluteUrls: true }],
    ['a LF alone', { url: '/a\nb' }],
    ['a NUL', { url: '/a\0b' }],
    ['a tab', { url: '/a\tb' }],
  ])('in %s are refused before a connection is made', async (_name, options) => {
    const { origin, connections } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    const error = await rejection(client.request({ url: '/', ...lane, ...options }));
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).not.toContain('x-evil: 1\r');
    await pause(20);
    expect(connections).toHaveLength(0);
  });

  it('in the value of a header are refused before a connection is made', async () => {
    const { origin, connections } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    const error = await rejection(client.get('/', { ...lane, headers: { 'x-a': `a${crlf}` } }));
    expect(error.code).toBe('ERR_CONFIG');
    await pause(20);
    expect(connections).toHaveLength(0);
  });

  it('in a parameter are escaped: they are data there', async () => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    await client.get('/', { ...lane, params: { a: 'b\r\nc' } });
    expect(requests[0]?.path).toBe('/?a=b%0D%0Ac');
  });

  it('in the body are data', async () => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    await client.post('/', `a${crlf}`, lane);
    expect(requests[0]?.body).toBe(`a${crlf}`);
  });
});
