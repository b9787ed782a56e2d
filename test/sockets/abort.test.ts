import { PassThrough, type Readable } from 'node:stream';
import axios from 'axios';
import { describe, expect, it } from 'vitest';
import { answer, dribble, hang } from '../support/behaviours.js';
import { lanes, line, pause, rejection, until, watch } from '../support/client.js';
import { closing, startHttp, startTcp } from '../support/upstream.js';

const cancelled = { code: 'ERR_CANCELED', isAxiosError: true };
const told = { type: 'ERR_CANCELED', flags: ['cancelled'] };

describe.each(lanes)('a call that is aborted on %s', (_, lane) => {
  it('before the answer has the socket destroyed, and nothing is tried again', async () => {
    const { origin, requests, connections } = await startHttp(hang);
    const { client, lines } = watch({ baseURL: origin });
    const controller = new AbortController();
    const failed = rejection(client.get('/', { ...lane, signal: controller.signal }));
    await until(() => requests.length === 1);
    controller.abort(new Error('the user went away'));
    const error = await failed;
    expect(error).toMatchObject({ ...cancelled, attempts: 1, cause: { message: 'the user went away' } });
    expect(axios.isCancel(error)).toBe(true);
    await closing(connections[0]);
    expect(requests).toHaveLength(1);
    expect(lines).toEqual([line('info', { ...told, attempts: 1 })]);
  });

  it('in the middle of a buffered body has the socket destroyed', async () => {
    const { origin, requests, connections } = await startHttp(dribble);
    const { client, lines } = watch({ baseURL: origin });
    const controller = new AbortController();
    const failed = rejection(client.get('/', { ...lane, signal: controller.signal }));
    await until(() => requests.length === 1);
    await pause(30);
    controller.abort();
    expect(await failed).toMatchObject({ ...cancelled, attempts: 1 });
    await closing(connections[0]);
    expect(lines).toEqual([line('info', { ...told, attempts: 1 })]);
  });

  it('in the middle of a stream has the socket destroyed, and the reader told', async () => {
    const { origin, connections } = await startHttp(dribble);
    const { client } = watch({ baseURL: origin });
    const controller = new AbortController();
    const { data } = await client.get<Readable>('/', { ...lane, responseType: 'stream', signal: controller.signal });
    const broken = new Promise<Error>((resolve) => data.once('error', resolve));
    data.once('data', () => controller.abort());
    expect(await broken).toMatchObject(cancelled);
    await closing(connections[0]);
  });

  it('by a cancel token has the socket destroyed too', async () => {
    const { origin, requests, connections } = await startHttp(hang);
    const { client } = watch({ baseURL: origin });
    const source = axios.CancelToken.source();
    const failed = rejection(client.get('/', { ...lane, cancelToken: source.token }));
    await until(() => requests.length === 1);
    source.cancel('never mind');
    expect(await failed).toMatchObject({ ...cancelled, message: 'never mind' });
    await closing(connections[0]);
  });

  it.each(['http', 'https'])('while the %s connection is being made has nothing sent', async (scheme) => {
    const { port, connections } = await startTcp((socket) => socket.pause());
    const { client, lines } = watch({ baseURL: `${scheme}://127.0.0.1:${port}` });
    const controller = new AbortController();
    const failed = rejection(client.get('/', { ...lane, signal: controller.signal }));
    controller.abort();
    expect(await failed).toMatchObject(cancelled);
    await client.close({ grace: 0 });
    expect(connections.map(({ socket }) => socket.bytesRead)).toEqual(connections.map(() => 0));
    expect(lines).toHaveLength(1);
  });

  it('during the TLS handshake has the socket destroyed at once, not at the connect timeout', async () => {
    const { port, connections } = await startTcp((socket) => socket.resume());
    const { client } = watch({ baseURL: `https://127.0.0.1:${port}`, timeouts: { connect: '10s', attempt: '10s' } });
    const controller = new AbortController();
    const failed = rejection(client.get('/', { ...lane, signal: controller.signal }));
    await until(() => (connections[0]?.bytesRead ?? 0) > 0);
    controller.abort();
    expect(await failed).toMatchObject({ ...cancelled, attempts: 1 });
    await closing(connections[0]);
  });

  it('during the TLS handshake has the socket destroyed for an upload as well', async () => {
    const { port, connections } = await startTcp((socket) => socket.resume());
    const { client } = watch({ baseURL: `https://127.0.0.1:${port}`, timeouts: { connect: '10s', attempt: '10s' } });
    const controller = new AbortController();
    const upload = new PassThrough();
    const failed = rejection(client.post('/', upload, { ...lane, signal: controller.signal }));
    await until(() => (connections[0]?.bytesRead ?? 0) > 0);
    controller.abort();
    expect(await failed).toMatchObject({ ...cancelled, attempts: 1 });
    await closing(connections[0]);
  });

  it('is distinguished from a client that was closed, where there are no time limits', async () => {
    const { origin, requests } = await startHttp(hang);
    const { client } = watch({ baseURL: origin, timeouts: false, retry: false });
    const controller = new AbortController();
    const given = rejection(client.get('/', { ...lane, signal: controller.signal }));
    const closed = rejection(client.get('/', lane));
    await until(() => requests.length === 2);
    controller.abort(new Error('enough'));
    expect(await given).toMatchObject({ ...cancelled, cause: { message: 'enough' } });
    await client.close({ grace: 0 });
    expect(await closed).toMatchObject({ code: 'ERR_CLOSED' });
  });

  it('during a wait for a retry ends at once', async () => {
    const { origin, requests } = await startHttp(answer(503, '', { 'retry-after': '5' }));
    const { client, lines } = watch({ baseURL: origin });
    const controller = new AbortController();
    const failed = rejection(client.get('/', { ...lane, signal: controller.signal }));
    await until(() => requests.length === 1);
    await pause(30);
    controller.abort();
    expect(await failed).toMatchObject({ ...cancelled, attempts: 1 });
    expect(lines).toEqual([line('info', { ...told, attempts: 1, flags: ['retried', 'cancelled'] })]);
  });

  it('leaves the connections of other calls alone', async () => {
    const slowly: typeof hang = (_request, response) => setTimeout(() => response.end('slow'), 80);
    const { origin, requests } = await startHttp(slowly);
    const { client } = watch({ baseURL: origin });
    const controller = new AbortController();
    const other = client.get('/other', lane);
    const failed = rejection(client.get('/', { ...lane, signal: controller.signal }));
    await until(() => requests.length === 2);
    controller.abort();
    await failed;
    expect((await other).data).toBe('slow');
  });
});
