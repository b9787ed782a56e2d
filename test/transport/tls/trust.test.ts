import { writeFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { createHttpClient, createIdentity, type HttpClient, type HttpClientConfig } from 'pillion';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Authority, authority, type Identity } from '../../support/certificates.js';
import { rejection, watch } from '../../support/client.js';
import { files } from '../../support/files.js';
import { type Behaviour, startHttps } from '../../support/upstream.js';
import { lanes, mutual, rotating, showName, shown, silent } from './rotating.js';
import { inPlace } from './stores.js';

let ca: Authority;
let other: Authority;
let server: Identity;
let old: Identity;
let next: Identity;

beforeAll(async () => {
  ca = await authority('our CA');
  other = await authority('another CA');
  server = await ca.issue({ name: 'server', dns: ['localhost', 'billing.mesh.test'] });
  old = await ca.issue({ name: 'old' });
  next = await ca.issue({ name: 'next' });
});

describe.each(lanes)('on %s', (_, lane) => {
  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a session of %s', (version) => {
    /** Each call on a connection of its own: whose certificate it showed, and whether it resumed a session. */
    async function scene() {
      const tell: Behaviour = ({ socket }, response) => {
        const resumed = (socket as TLSSocket).isSessionReused();
        response.writeHead(200, { connection: 'close' }).end(`${shown(socket)}${resumed ? ', resumed' : ''}`);
      };
      const options = mutual(server, ca, { minVersion: version, maxVersion: version });
      const { origin } = await startHttps(options, tell);
      const { identity, rotate } = rotating(old, { ca: ca.cert });
      const { client } = watch({ baseURL: origin, retry: false }, { identity });
      return { rotate, ask: async () => (await client.get('/', lane)).data };
    }

    it('is resumed as long as the identity is the same, and never after a rotation', async () => {
      const { rotate, ask } = await scene();
      expect([await ask(), await ask(), await ask()]).toEqual(['old', 'old, resumed', 'old, resumed']);
      rotate(next);
      expect([await ask(), await ask()]).toEqual(['next', 'next, resumed']);
    });

    it('is not resumed either where the old certificate comes back', async () => {
      const { rotate, ask } = await scene();
      expect([await ask(), await ask()]).toEqual(['old', 'old, resumed']);
      rotate(next);
      rotate(old);
      expect(await ask()).toBe('old');
    });
  });

  describe('an authority in a file that changes', () => {
    /** A client that trusts what the file holds; it is read on demand. */
    async function scene(trusted: string) {
      const { origin } = await startHttps({ cert: server.cert, key: server.key }, showName);
      const { 'ca.crt': path } = files({ 'ca.crt': trusted });
      const identity = createIdentity({ ca: path, reload: { interval: '1h' } }, { logger: silent });
      onTestFinished(() => identity.close());
      const { client } = watch({ baseURL: origin, retry: false }, { identity });
      const ask = () =>
        client.get('/', lane).then(
          ({ status }) => status,
          ({ code }) => code,
        );
      const trust = (pem: string) => {
        writeFileSync(path, pem);
        expect(identity.refresh()).toBe(true);
      };
      return { ask, trust, identity };
    }
    const unknown = expect.stringMatching(/^UNABLE_TO_/);

    it('holds for the next call: a server that was accepted is refused', async () => {
      const { ask, trust } = await scene(ca.cert);
      expect(await ask()).toBe(200);
      trust(other.cert);
      expect(await ask()).toEqual(unknown);
    });

    it('holds for the next call: a server that was refused is accepted', async () => {
      const { ask, trust } = await scene(other.cert);
      expect(await ask()).toEqual(unknown);
      trust(`${other.cert}\n${ca.cert}`);
      expect(await ask()).toBe(200);
    });

    it('is a rotation without a certificate', async () => {
      const { trust, identity } = await scene(other.cert);
      const told: unknown[] = [];
      identity.on('identity.rotated', (event) => told.push(event));
      trust(ca.cert);
      expect(told).toEqual([{ generation: 2 }]);
      expect(identity.stats()).toEqual({ generation: 2, lastRotation: expect.any(String), lastRejection: null });
    });
  });

  describe('update()', () => {
    type Peer = Pick<NonNullable<HttpClientConfig['tls']>, 'pins' | 'subjectAltNames' | 'serverName' | 'minVersion'>;

    /** A client with files of its own, once rotated. */
    async function scene(peer: Peer = {}) {
      const { origin } = await startHttps(mutual(server, ca, { maxVersion: 'TLSv1.2' }), showName);
      const { cert, key, put } = inPlace(old);
      const tls = { cert, key, ca: ca.cert, reload: { interval: '1h' } } as const;
      const config = (rules: Peer): HttpClientConfig => ({ baseURL: origin, retry: false, tls: { ...tls, ...rules } });
      const client = createHttpClient(config(peer), { logger: silent });
      onTestFinished(() => client.close({ grace: 0 }));
      const rotated = rotation(client);
      put(next);
      await rotated;
      return { client, config };
    }
    const rotation = (client: HttpClient) =>
      new Promise<unknown>((resolve) => {
        client.on('identity.rotated', resolve);
      });

    it.each<[string, () => Peer, unknown]>([
      ['pins', () => ({ pins: [`${'A'.repeat(43)}=`] }), 'ERR_TLS_IDENTITY'],
      ['subjectAltNames', () => ({ subjectAltNames: ['elsewhere.test'] }), 'ERR_TLS_IDENTITY'],
      ['serverName', () => ({ serverName: 'elsewhere.test' }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
      ['minVersion', () => ({ minVersion: 'TLSv1.3' }), expect.stringMatching(/^(ERR_SSL_|EPROTO$)/)],
    ])('of %s holds for the next call, and back, without another identity', async (_option, rule, code) => {
      const { client, config } = await scene();
      expect((await client.get('/', lane)).data).toBe('next');
      const before = client.stats().identity;
      expect(before).toMatchObject({ generation: 2, subject: 'CN=next' });
      client.update(config(rule()));
      expect((await rejection(client.get('/', lane))).code).toEqual(code);
      expect(client.stats().identity).toEqual(before);
      client.update(config({}));
      expect((await client.get('/', lane)).data).toBe('next');
      expect(client.stats().identity).toEqual(before);
    });

    it.each<[string, () => Peer]>([
      ['pins', () => ({ pins: [server.pin] })],
      ['subjectAltNames', () => ({ subjectAltNames: ['localhost'] })],
      ['serverName', () => ({ serverName: 'billing.mesh.test' })],
    ])('of %s that the server meets shows it the certificate of the last rotation', async (_option, rule) => {
      const { client, config } = await scene({ minVersion: 'TLSv1.2' });
      client.update(config(rule()));
      expect((await client.get('/', lane)).data).toBe('next');
    });
  });

  it('rules for the server hold after a rotation as they did before', async () => {
    const { origin } = await startHttps(mutual(server, ca), showName);
    const { identity, rotate } = rotating(old, { ca: ca.cert });
    const refusing = watch(
      { baseURL: origin, retry: false, tls: { subjectAltNames: ['elsewhere.test'] } },
      { identity },
    );
    const accepting = watch({ baseURL: origin, retry: false, tls: { pins: [server.pin] } }, { identity });
    for (const [pair, name] of [
      [next, 'next'],
      [old, 'old'],
    ] as const) {
      rotate(pair);
      expect((await rejection(refusing.client.get('/', lane))).code).toBe('ERR_TLS_IDENTITY');
      expect((await accepting.client.get('/', lane)).data).toBe(name);
    }
  });
});
