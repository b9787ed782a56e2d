/** requestHeaders on real sockets: what reaches the server on each lane, and over HTTP/2. */
import type { HttpClientConfig } from 'pillion';
import { describe, expect, it } from 'vitest';
import { lanes, watch } from '../../support/client.js';
import { startH2 } from '../../support/h2-server.js';
import { startHttp } from '../../support/upstream.js';

type Changes = NonNullable<HttpClientConfig['requestHeaders']>;

describe.each(lanes)('on %s', (_, lane) => {
  /** The lines of one request, as the server received them. */
  async function received(requestHeaders: Changes, call: object = {}, more: HttpClientConfig = {}) {
    let lines: string[] = [];
    const { origin } = await startHttp((request, response) => {
      lines = request.rawHeaders;
      response.end();
    });
    const { client } = watch({ baseURL: origin, retry: false, requestHeaders, ...more });
    await client.get('/', { ...lane, ...call });
    return (name: string) => lines.filter((_, index) => index % 2 === 1 && lines[index - 1]?.toLowerCase() === name);
  }

  it('each value of `add` is a line of its own', async () => {
    const lines = await received({ add: { 'x-a': ['one', 'two'] } }, { headers: { 'X-A': 'call' } });
    expect(lines('x-a')).toEqual(['call', 'one', 'two']);
  });

  it('headers that the transport would add are not sent where they are removed', async () => {
    const lines = await received({ remove: ['user-agent', 'Accept-Encoding', 'accept'] });
    for (const name of ['user-agent', 'accept-encoding', 'accept']) expect([name, lines(name)]).toEqual([name, []]);
  });

  it('credentials of the call are not sent where they are removed, and ours where they are set', async () => {
    const call = { auth: { username: 'u', password: 'p' } };
    expect((await received({ remove: ['authorization'] }, call))('authorization')).toEqual([]);
    expect((await received({ set: { authorization: 'Bearer ours' } }, call))('authorization')).toEqual(['Bearer ours']);
    expect((await received({ add: { 'x-a': '1' } }, call))('authorization')).toEqual(['Basic dTpw']);
  });

  it('credentials of the URL are not sent where they are removed', async () => {
    const { origin, requests } = await startHttp((_, response) => response.end());
    const baseURL = origin.replace('//', '//u:p@');
    const { client } = watch({ baseURL, retry: false, requestHeaders: { remove: ['authorization'] } });
    await client.get('/a', lane);
    expect(requests[0]).toMatchObject({ path: '/a' });
    expect(requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('a Host header of ours is the only one', async () => {
    const lines = await received({ set: { host: 'ours.test' } }, { headers: { HOST: 'call.test' } });
    expect(lines('host')).toEqual(['ours.test']);
  });
});

describe('over HTTP/2', () => {
  it('the same headers are changed', async () => {
    const { origin, requests } = await startH2(
      [(stream) => stream.respond({ ':status': 204 }, { endStream: true })],
      {},
      'http',
    );
    const { client } = watch({
      baseURL: origin,
      allowH2: 'prior-knowledge',
      requestHeaders: { remove: ['user-agent'], set: { host: 'ours.test' }, add: { 'x-a': ['one', 'two'] } },
    });
    await client.get('/', { headers: { 'x-a': 'call', Host: 'call.test' } });
    expect(requests[0]).toMatchObject({ ':authority': 'ours.test', 'x-a': 'call, one, two' });
    for (const name of ['user-agent', 'host']) expect(requests[0]).not.toHaveProperty(name);
  });
});
