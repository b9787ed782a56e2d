import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type tls from 'node:tls';
import type { IdentityOptions } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection, until, watch } from '../../support/client.js';
import { closing, startHttps } from '../../support/upstream.js';
import { mutual, oldAndNext, rotating, showName, shown } from './rotating.js';

const { ca, server, old, next } = await oldAndNext();

/** An HTTP/2 server that tells whose certificate a session has shown, and holds back the answers below `/held`. */
async function startH2() {
  const sessions: { name: string; closed: boolean }[] = [];
  const held: { stream: ServerHttp2Stream; name: string }[] = [];
  const open = new Set<ServerHttp2Session>();
  const upstream = http2.createSecureServer(mutual(server, ca));
  upstream.on('session', (session) => {
    const seen = { name: shown(session.socket), closed: false };
    sessions.push(seen);
    open.add(session);
    session.on('error', () => {});
    session.once('close', () => {
      seen.closed = true;
      open.delete(session);
    });
  });
  upstream.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const name = shown(stream.session?.socket);
    if (headers[':path']?.startsWith('/held')) held.push({ stream, name });
    else {
      stream.respond({ ':status': 200 });
      stream.end(name);
    }
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of open) session.destroy();
    upstream.close();
  });
  return { origin: `https://localhost:${(upstream.address() as AddressInfo).port}`, sessions, held };
}

async function scene(reload: IdentityOptions['reload'] = { interval: '1h' }) {
  const upstream = await startH2();
  const { identity, rotate } = rotating(old, { ca: ca.cert, reload });
  const { client } = watch({ baseURL: upstream.origin, allowH2: true, retry: false }, { identity });
  const draining = () => (client.stats().policies.wire as { draining: number }).draining;
  return { ...upstream, client, rotate, draining };
}

describe('over HTTP/2', () => {
  it('an idle connection closes at once, and the next call shows the new certificate', async () => {
    const { client, rotate, sessions, draining } = await scene();
    expect((await client.get('/')).data).toBe('old');
    rotate(next);
    await until(() => sessions[0]?.closed === true);
    await until(() => draining() === 0);
    expect((await client.get('/')).data).toBe('next');
    expect(sessions.map(({ name }) => name)).toEqual(['old', 'next']);
  });

  it('calls and downloads begun before the rotation end on their connection', async () => {
    const { client, rotate, sessions, held, draining } = await scene();
    const call = client.get('/held/call');
    await until(() => held.length === 1);
    const download = client.get<Readable>('/held/download', { responseType: 'stream' });
    await until(() => held.length === 2);
    held[1]?.stream.respond({ ':status': 200 });
    held[1]?.stream.write('one ');
    const received = text((await download).data);
    rotate(next);
    expect((await client.get('/')).data).toBe('next');
    held[0]?.stream.respond({ ':status': 200 });
    held[0]?.stream.end('slow');
    expect((await call).data).toBe('slow');
    expect(draining()).toBe(1);
    held[1]?.stream.end('two');
    expect(await received).toBe('one two');
    await until(() => draining() === 0);
    await until(() => sessions[0]?.closed === true);
    expect(sessions.map(({ name, closed }) => ({ name, closed }))).toEqual([
      { name: 'old', closed: true },
      { name: 'next', closed: false },
    ]);
  });

  it('a straggler is ended with ECONNRESET past tls.reload.drainTimeout', async () => {
    const { client, rotate, held, sessions, draining } = await scene({ interval: '1h', drainTimeout: '100ms' });
    const call = rejection(client.get('/held'));
    await until(() => held.length === 1);
    rotate(next);
    expect(await call).toMatchObject({
      code: 'ECONNRESET',
      message: expect.stringMatching(/100 ms.*tls\.reload\.drainTimeout/),
    });
    await until(() => draining() === 0);
    await until(() => sessions[0]?.closed === true);
  });

  it('a chain of redirects begun before the rotation is followed to its end', async () => {
    const { client, rotate, held, draining } = await scene();
    const chain = client.get('/held/1', { maxRedirects: 2 });
    await until(() => held.length === 1);
    rotate(next);
    held[0]?.stream.respond({ ':status': 302, location: '/held/2' }, { endStream: true });
    await until(() => held.length === 2);
    held[1]?.stream.respond({ ':status': 302, location: '/elsewhere' }, { endStream: true });
    expect((await chain).data).toBe('old');
    await until(() => draining() === 0);
  });

  it("axios's own HTTP/2 shows the new certificate too", async () => {
    const { client, rotate } = await scene();
    const ask = async () => (await client.get('/', { httpVersion: 2 } as object)).data;
    expect(await ask()).toBe('old');
    rotate(next);
    expect(await ask()).toBe('next');
  });
});

/** Takes one connection after the other, but finishes the first handshake only when it is told. */
function hesitating(): { SNICallback: tls.TlsOptions['SNICallback']; asked(): boolean; goOn(): void } {
  let finish: (() => void) | undefined;
  return {
    SNICallback: (_, done) => {
      if (finish === undefined) finish = () => done(null);
      else done(null);
    },
    asked: () => finish !== undefined,
    goOn: () => finish?.(),
  };
}

describe('with allowH2 against a server of HTTP/1.1', () => {
  it('a rotation while a connection is being made lets its call end', async () => {
    const { SNICallback, asked, goOn } = hesitating();
    const { origin } = await startHttps(mutual(server, ca, { SNICallback }), showName);
    const { identity, rotate } = rotating(old, { ca: ca.cert });
    const { client } = watch({ baseURL: origin, allowH2: true, retry: false }, { identity });
    const call = client.get('/');
    await until(asked);
    rotate(next);
    expect((await client.get('/')).data).toBe('next');
    goOn();
    expect((await call).data).toBe('old');
  });

  it('a rotation closes the old connection once its call has ended', async () => {
    const { SNICallback, asked, goOn } = hesitating();
    const { origin, connections } = await startHttps(mutual(server, ca, { SNICallback }), showName);
    const { identity, rotate } = rotating(old, { ca: ca.cert });
    const { client } = watch({ baseURL: origin, allowH2: true, retry: false }, { identity });
    const call = client.get('/');
    await until(asked);
    rotate(next);
    goOn();
    expect((await call).data).toBe('old');
    await closing(connections[0]);
    await until(() => (client.stats().policies.wire as { draining: number }).draining === 0);
  });
});
