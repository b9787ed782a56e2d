/** Which connections resume a TLS session, and how many round trips a connection takes. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { createHttpClient, createIdentity, type HttpClientConfig, type HttpClientDeps } from 'pillion';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connector } from '../../../src/transport/pool/connect.js';
import { authority, type Identity } from '../../support/certificates.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ca = await authority('our CA');
const otherCa = await authority('another CA');
const own = await ca.issue({ name: 'server', dns: ['localhost', 'other.test'] });
const first = await ca.issue({ name: 'first' });
const second = await ca.issue({ name: 'second' });

const versions = ['HTTP/1.1', 'HTTP/2'] as const;

/** A server that asks for a certificate, and what each connection was: a name, and whether it was resumed. */
async function startServer(version: (typeof versions)[number] = 'HTTP/1.1', more: TlsOptions = {}) {
  const seen: string[] = [];
  const options = { cert: own.cert, key: own.key, ca: ca.cert, requestCert: true, ...more };
  const server =
    version === 'HTTP/2'
      ? http2.createSecureServer(options, (_, response) => response.end('ok'))
      : https.createServer(options, (_, response) => response.end('ok'));
  server.on('secureConnection', (socket: TLSSocket) => {
    seen.push(`${socket.getPeerCertificate().subject?.CN}${socket.isSessionReused() ? ', resumed' : ''}`);
  });
  return { seen, port: await listen(server) };
}

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A client whose every call has a connection of its own. */
function onceEach(port: number, config: HttpClientConfig, deps: HttpClientDeps = {}) {
  const client = createHttpClient(
    {
      ...{ baseURL: `https://localhost:${port}`, retry: false, logging: false },
      ...{ connections: { maxRequestsPerConnection: 1 }, ...config },
    },
    { logger: silent, ...deps },
  );
  onTestFinished(() => client.close());
  return client;
}

const tls = (identity: Identity) => ({ cert: identity.cert, key: identity.key, ca: ca.cert });

/** Files of an identity that `replace` rewrites and reads at once. */
function inFiles(material: { cert: string; key: string; ca: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-resumption-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files = { cert: join(folder, 'cert'), key: join(folder, 'key'), ca: join(folder, 'ca') };
  const write = (parts: Partial<typeof material>) => {
    for (const [name, text] of Object.entries(parts)) writeFileSync(files[name as keyof typeof files], text);
  };
  write(material);
  const identity = createIdentity({ ...files, reload: { interval: '1h' } }, { logger: silent });
  onTestFinished(() => identity.close());
  const replace = (parts: Partial<typeof material>) => {
    write(parts);
    expect(identity.refresh()).toBe(true);
  };
  return { identity, replace };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a further connection', () => {
  it.each(versions.flatMap((version) => ['TLSv1.2', 'TLSv1.3'].map((newest) => [version, newest] as const)))(
    'to the same server resumes the session of the one before, over %s and %s',
    async (version, newest) => {
      const { seen, port } = await startServer(version, { maxVersion: newest as 'TLSv1.2' });
      const client = onceEach(port, { allowH2: version === 'HTTP/2', tls: tls(first) });
      for (let call = 0; call < 3; call++) await client.get('/');
      expect(seen).toEqual(['first', 'first, resumed', 'first, resumed']);
    },
  );

  it('without a section tls resumes too, where Node trusts the server', async () => {
    const { seen, port } = await startServer('HTTP/1.1', { requestCert: false });
    const client = onceEach(port, { tls: { rejectUnauthorized: false } });
    await client.get('/');
    await client.get('/');
    expect(seen).toEqual(['undefined', 'undefined, resumed']);
  });

  it('to another name of the same server is verified anew', async () => {
    const { port } = await startServer('HTTP/1.1', { requestCert: false });
    const connect = connector({ connectTimeout: false, identity: { ca: ca.cert } }, 'h1');
    const isResumed = async (serverName: string) => {
      const at = { host: 'localhost', hostname: 'localhost', protocol: 'https:', port: String(port), serverName };
      const socket = connect(at, () => {}) as TLSSocket;
      await once(socket, 'secureConnect');
      const reused = socket.isSessionReused();
      // The session of TLS 1.3 comes with what is read after the handshake.
      if (!reused) await once(socket.resume(), 'session');
      socket.destroy();
      return reused;
    };
    const names = ['localhost', 'other.test', 'localhost', 'other.test'];
    const resumed: boolean[] = [];
    for (const name of names) resumed.push(await isResumed(name));
    expect(resumed).toEqual([false, false, true, true]);
    await expect(isResumed('strange.test')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('of another client with other rules for the server is verified anew, and refused by them', async () => {
    const { seen, port } = await startServer();
    await onceEach(port, { tls: tls(first) }).get('/');
    const strict = onceEach(port, { tls: { ...tls(first), pins: [first.pin] } });
    await expect(strict.get('/')).rejects.toMatchObject({ code: 'ERR_TLS_IDENTITY' });
    const stranger = onceEach(port, { tls: { ...tls(first), ca: otherCa.cert } });
    await expect(stranger.get('/')).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    expect(seen.filter((each) => each.includes('resumed'))).toEqual([]);
  });

  it('after a server was refused is not resumed either', async () => {
    const { port } = await startServer('HTTP/1.1', { maxVersion: 'TLSv1.2' });
    const client = onceEach(port, { tls: { ...tls(first), pins: [first.pin] } });
    for (let call = 0; call < 3; call++)
      await expect(client.get('/')).rejects.toMatchObject({ code: 'ERR_TLS_IDENTITY' });
  });

  it('verifies the server anew an hour after it was verified last, however often it was resumed since', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const { seen, port } = await startServer();
    const client = onceEach(port, { tls: tls(first) });
    for (const minutes of [0, 29, 29, 29]) {
      vi.setSystemTime(Date.now() + minutes * 60_000);
      await client.get('/');
    }
    expect(seen).toEqual(['first', 'first, resumed', 'first, resumed', 'first']);
  });

  it('verifies the server anew once its certificate has expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const short = await ca.issue({ name: 'server', dns: ['localhost'], expiresIn: 600_000 });
    const { seen, port } = await startServer('HTTP/1.1', { cert: short.cert, key: short.key });
    const client = onceEach(port, { tls: tls(first) });
    for (const minutes of [0, 5, 6]) {
      vi.setSystemTime(Date.now() + minutes * 60_000);
      await client.get('/');
    }
    expect(seen).toEqual(['first', 'first, resumed', 'first']);
  });
});

describe('after a rotation, a connection', () => {
  it('with another client certificate does not resume: the server sees the new one', async () => {
    const { seen, port } = await startServer();
    const { identity, replace } = inFiles(tls(first));
    const client = onceEach(port, {}, { identity });
    await client.get('/');
    replace({ cert: second.cert, key: second.key });
    await client.get('/');
    await client.get('/');
    expect(seen).toEqual(['first', 'second', 'second, resumed']);
  });

  it('with one authority more resumes: nothing that was trusted is trusted no longer', async () => {
    const { seen, port } = await startServer();
    const { identity, replace } = inFiles(tls(first));
    const client = onceEach(port, {}, { identity });
    await client.get('/');
    replace({ ca: `${otherCa.cert}\n# ours\n${ca.cert}` });
    await client.get('/');
    expect(seen).toEqual(['first', 'first, resumed']);
  });

  it('whose authority is trusted no longer does not resume, and the server is refused', async () => {
    const { seen, port } = await startServer();
    const { identity, replace } = inFiles({ ...tls(first), ca: `${ca.cert}\n${otherCa.cert}` });
    const client = onceEach(port, {}, { identity });
    await client.get('/');
    replace({ ca: otherCa.cert });
    await expect(client.get('/')).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    expect(seen.filter((each) => each.includes('resumed'))).toEqual([]);
  });
});

describe('a new connection with mutual TLS 1.3', () => {
  /**
   * A relay that carries what the server says until it has received the client's last message of the handshake, and
   * nothing after that until the request is there: one round trip, or none of the requests would be sent.
   */
  it.each(versions)('sends its request after one round trip of TLS, over %s', async (version) => {
    const answers: (() => void)[] = [];
    let handshaken = false;
    const answer = (_: unknown, response: { end(text: string): unknown }) => {
      handshaken = false;
      for (const carry of answers.splice(0)) carry();
      response.end('ok');
    };
    const options = { cert: own.cert, key: own.key, ca: ca.cert, requestCert: true, minVersion: 'TLSv1.3' as const };
    const server =
      version === 'HTTP/2' ? http2.createSecureServer(options, answer) : https.createServer(options, answer as never);
    server.on('secureConnection', () => {
      handshaken = true;
    });
    const port = await listen(server);
    const relay = net.createServer((socket) => {
      const upstream = net.connect(port, 'localhost');
      socket.on('data', (chunk) => upstream.write(chunk)).on('close', () => upstream.destroy());
      upstream.on('error', () => {});
      upstream.on('data', (chunk) => {
        if (handshaken) answers.push(() => socket.write(chunk));
        else socket.write(chunk);
      });
    });
    const client = onceEach(await listen(relay), { allowH2: version === 'HTTP/2', tls: tls(first) });
    expect((await client.get('/')).data).toBe('ok');
  });
});
