/** Streamed bodies carry what code of axios reads off Node's answers. */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import { describe, expect, it } from 'vitest';
import { lanes, watch } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

const names = [
  ...(['headers', 'rawHeaders', 'statusCode', 'statusMessage', 'httpVersion', 'httpVersionMajor'] as const),
  ...(['httpVersionMinor', 'responseUrl', 'trailers', 'rawTrailers', 'complete', 'aborted'] as const),
];

const factsOf = (stream: IncomingMessage & { responseUrl?: string }) =>
  Object.fromEntries(names.map((name) => [name, stream[name]]));

/** Its answers end once `finish` is called. */
async function upstream() {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { origin } = await startHttp((request, response) => {
    const coded = request.url === '/coded';
    const head = {
      date: 'now',
      'X-Upper': 'A',
      'set-cookie': ['a=1', 'b=2'],
      ...(coded && { 'content-encoding': 'gzip' }),
    };
    response.writeHead(418, 'Short And Stout', head);
    response.write(coded ? gzipSync('body') : 'bo');
    void finished.then(() => response.end(coded ? '' : 'dy'));
  });
  return { origin, finish };
}

describe.each(lanes)('a streamed body, on %s', (_, lane) => {
  it("has the status, the headers and the other facts of Node's own answer", async () => {
    const { origin, finish } = await upstream();
    const options = { responseType: 'stream', validateStatus: () => true, params: { a: 1 } } as const;
    const [{ data: theirs }, { data: ours }] = await Promise.all([
      axios.get(`${origin}/`, { ...options, proxy: false }),
      watch({ baseURL: origin }).client.get('/', { ...options, ...lane }),
    ]);
    expect(factsOf(ours)).toEqual(factsOf(theirs));
    expect(ours).toMatchObject({
      statusCode: 418,
      statusMessage: 'Short And Stout',
      httpVersion: '1.1',
      complete: false,
    });
    finish();
    expect(await text(ours)).toBe(await text(theirs));
    expect(factsOf(ours)).toEqual(factsOf(theirs));
    expect(ours.complete).toBe(true);
  });

  it('has them also where it is decoded, without the coding that is gone', async () => {
    const { origin, finish } = await upstream();
    const { client } = watch({ baseURL: origin });
    finish();
    const { data } = await client.get('/coded', { ...lane, responseType: 'stream', validateStatus: () => true });
    expect(data.headers).toMatchObject({ 'x-upper': 'A', 'set-cookie': ['a=1', 'b=2'] });
    expect(data.headers).not.toHaveProperty('content-encoding');
    expect(await text(data)).toBe('body');
  });

  it('is aborted where it was destroyed before its end, and takes what code sets on it', async () => {
    const { origin } = await upstream();
    const { client } = watch({ baseURL: origin });
    const { data } = await client.get('/', { ...lane, responseType: 'stream', validateStatus: () => true });
    data.headers['x-more'] = 'b';
    data.statusCode = 200;
    data.on('error', () => {}).destroy();
    expect(data).toMatchObject({ aborted: true, complete: false, statusCode: 200 });
    expect(data.headers['x-more']).toBe('b');
    expect(Object.keys(data)).not.toContain('rawHeaders');
  });
});
