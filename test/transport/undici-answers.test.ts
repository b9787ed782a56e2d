import { describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { pause, watch } from '../support/client.js';
import { type Behaviour, startHttp } from '../support/upstream.js';

describe('an answer on the fast lane', () => {
  it('to HEAD has no body, whatever length it tells', async () => {
    const { origin } = await startHttp((_, response) => {
      response.writeHead(200, { 'content-length': '1000', 'content-encoding': 'gzip' }).end();
    });
    const { client } = watch({ baseURL: origin });
    const { data, headers } = await client.head('/');
    expect(data).toBe('');
    expect(headers).toMatchObject({ 'content-length': '1000', 'content-encoding': 'gzip' });
  });

  it.each([204, 304])('of status %d has no body', async (status) => {
    const { origin } = await startHttp(answer(status, ''));
    const { client } = watch({ baseURL: origin });
    const response = await client.get('/', { validateStatus: null });
    expect(response).toMatchObject({ status, data: '' });
  });

  it('comes after early hints and other interim answers', async () => {
    const { origin } = await startHttp((_, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.writeProcessing();
      response.writeHead(200, { 'x-a': 'final' }).end('body');
    });
    const { client } = watch({ baseURL: origin });
    const { status, data, headers } = await client.get('/');
    expect([status, data, headers['x-a']]).toEqual([200, 'body', 'final']);
    expect(headers).not.toHaveProperty('link');
  });

  it('has its headers as AxiosHeaders, several of one name kept apart', async () => {
    const cookies: Behaviour = (_, response) => {
      response.writeHead(200, 'Fine', { 'X-One': '1', 'set-cookie': ['a=1', 'b=2'], 'X-Empty': '' }).end();
    };
    const { origin } = await startHttp(cookies);
    const { client } = watch({ baseURL: origin });
    const { headers, statusText } = await client.get('/');
    expect(statusText).toBe('Fine');
    expect(headers).toMatchObject({ 'x-one': '1', 'set-cookie': ['a=1', 'b=2'], 'x-empty': '' });
    expect((headers as { get(name: string): unknown }).get('X-One')).toBe('1');
  });

  it.each([
    ['json', undefined, { a: 'ü' }],
    ['json', 'json', { a: 'ü' }],
    ['text', 'text', '{"a":"ü"}'],
    ['bytes', 'arraybuffer', Buffer.from('{"a":"ü"}')],
  ] as const)('is given as %s with responseType %s', async (_, responseType, data) => {
    const { origin } = await startHttp(answer(200, '{"a":"ü"}', { 'content-type': 'application/json' }));
    const { client } = watch({ baseURL: origin });
    const response = await client.get('/', responseType === undefined ? {} : { responseType });
    expect(response.data).toEqual(data);
  });

  it('is decoded by responseEncoding, and without its byte order mark', async () => {
    const { origin } = await startHttp(answer(200, Buffer.from([0xe4])), answer(200, '\ufefftext'));
    const { client } = watch({ baseURL: origin });
    expect((await client.get('/', { responseEncoding: 'latin1' })).data).toBe('ä');
    expect((await client.get('/')).data).toBe('text');
  });

  it('puts together a body that came in many pieces, cut within a character', async () => {
    const bytes = Buffer.from('äöü'.repeat(1000));
    const { origin } = await startHttp(async (_, response) => {
      for (let at = 0; at < bytes.length; at += 1001) {
        response.write(bytes.subarray(at, at + 1001));
        await pause(1);
      }
      response.end();
    });
    const { client } = watch({ baseURL: origin });
    expect((await client.get('/')).data).toBe('äöü'.repeat(1000));
  });
});
