import type { TlsOptions } from 'node:tls';
import type { HttpClientConfig } from 'pillion';
import { beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { type Authority, authority, type Identity, passphrase, type Subject } from '../../support/certificates.js';
import { lanes, type Rejected, watch } from '../../support/client.js';
import { files } from '../../support/files.js';
import { pfx } from '../../support/pfx.js';
import { startHttps } from '../../support/upstream.js';

type Tls = NonNullable<HttpClientConfig['tls']>;

let ca: Authority;
let other: Authority;
let server: Identity;
let client: Identity;

beforeAll(async () => {
  ca = await authority('our CA');
  other = await authority('another CA');
  server = await ca.issue({ name: 'server', dns: ['localhost', '*.mesh.test'] });
  client = await ca.issue({ name: 'client' });
});

/** Asks for a client certificate of our authority. */
const mutual = (options: TlsOptions = {}): TlsOptions => ({ ...server, ca: ca.cert, requestCert: true, ...options });

describe.each(lanes)('on %s', (_, lane) => {
  /** What one call came to: the body or the code of its error. */
  async function outcome(offered: TlsOptions, tls: Tls, options = {}): Promise<unknown> {
    const { origin } = await startHttps(offered, answer(200, 'welcome'));
    const watched = watch({ baseURL: origin, tls, retry: false });
    return watched.client.get('/', { ...lane, ...options }).then(
      ({ data }) => data,
      ({ code }: Rejected) => code,
    );
  }
  const named = async (subject: Subject, tls: Tls) => outcome(await ca.issue(subject), { ca: ca.cert, ...tls });

  describe('the client shows its certificate', () => {
    it('from inline PEM', async () => {
      expect(await outcome(mutual(), { ca: ca.cert, cert: client.cert, key: client.key })).toBe('welcome');
    });

    it('from files', async () => {
      const paths = files({ 'ca.crt': ca.cert, 'tls.crt': client.cert, 'tls.key': client.key });
      const tls = { ca: paths['ca.crt'], cert: paths['tls.crt'], key: paths['tls.key'] };
      expect(await outcome(mutual(), tls)).toBe('welcome');
    });

    it('with an encrypted key', async () => {
      const tls = { ca: ca.cert, cert: client.cert, key: client.encryptedKey, passphrase };
      expect(await outcome(mutual(), tls)).toBe('welcome');
    });

    it('from a PKCS#12 bundle', async () => {
      const paths = files({ 'client.p12': pfx(client, passphrase) });
      expect(await outcome(mutual(), { ca: ca.cert, pfx: paths['client.p12'], passphrase })).toBe('welcome');
    });
  });

  it('trusts any of several authorities', async () => {
    expect(await outcome(server, { ca: [other.cert, ca.cert] })).toBe('welcome');
    expect(await outcome(server, { ca: `${other.cert}\n${ca.cert}` })).toBe('welcome');
  });

  it("does not trust Node's own authorities any more where `ca` is given, nor ours where it is not", async () => {
    expect(await outcome(server, { ca: other.cert })).toMatch(/^UNABLE_TO_/);
    expect(await outcome(server, {})).toMatch(/^UNABLE_TO_/);
  });

  it('accepts any server with `rejectUnauthorized: false` and nothing else', async () => {
    expect(await outcome(server, { rejectUnauthorized: false })).toBe('welcome');
  });

  it.each([
    ['TLSv1.2', 'welcome'],
    ['TLSv1.3', expect.stringMatching(/^(ERR_SSL_|EPROTO$)/)],
  ] as const)('speaks to a TLS 1.2 server with minVersion %s', async (minVersion, expected) => {
    expect(await outcome({ ...server, maxVersion: 'TLSv1.2' }, { ca: ca.cert, minVersion })).toEqual(expected);
  });

  describe('serverName', () => {
    it('is sent as SNI and checked in place of the host', async () => {
      const names: string[] = [];
      const SNICallback: TlsOptions['SNICallback'] = (name, done) => {
        names.push(name);
        done(null);
      };
      const tls = { ca: ca.cert, serverName: 'billing.mesh.test' };
      expect(await outcome({ ...server, SNICallback }, tls)).toBe('welcome');
      expect(names).toEqual(['billing.mesh.test']);
      expect(await outcome(server, { ca: ca.cert, serverName: 'elsewhere.test' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    it('holds whatever Host header a call sends', async () => {
      const tls = { ca: ca.cert, serverName: 'elsewhere.test' };
      const headers = { host: 'localhost' };
      expect(await outcome(server, tls, { headers })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });
  });

  describe('subjectAltNames', () => {
    const spiffe = 'spiffe://prod.test/ns/billing/sa/api';

    it.each<[string, Subject, string[], string]>([
      ['the same DNS name', { name: 'x', dns: ['api.test'] }, ['api.test'], 'welcome'],
      ['one of several names', { name: 'x', dns: ['a.test', 'b.test'] }, ['c.test', 'b.test'], 'welcome'],
      ['a wildcard', { name: 'x', dns: ['*.mesh.test'] }, ['billing.mesh.test'], 'welcome'],
      ['a SPIFFE id and no DNS name at all', { name: 'x', uris: [spiffe] }, [spiffe], 'welcome'],
      [
        'a SPIFFE id among others',
        { name: 'x', dns: ['a.test'], uris: ['https://b.test/', spiffe] },
        [spiffe],
        'welcome',
      ],
      ['another DNS name', { name: 'x', dns: ['localhost'] }, ['api.test'], 'ERR_TLS_IDENTITY'],
      ['a wildcard two labels up', { name: 'x', dns: ['*.mesh.test'] }, ['a.b.mesh.test'], 'ERR_TLS_IDENTITY'],
      ['a name only as the subject', { name: 'api.test' }, ['api.test'], 'ERR_TLS_IDENTITY'],
      ['a longer SPIFFE id', { name: 'x', uris: [`${spiffe}2`] }, [spiffe], 'ERR_TLS_IDENTITY'],
      ['a shorter SPIFFE id', { name: 'x', uris: ['spiffe://prod.test/ns/billing'] }, [spiffe], 'ERR_TLS_IDENTITY'],
      ['a DNS name that spells the id', { name: 'x', dns: [spiffe] }, [spiffe], 'ERR_TLS_IDENTITY'],
      [
        'an id hidden behind a comma in a DNS name',
        { name: 'x', dns: [`a.test, URI:${spiffe}`] },
        [spiffe],
        'ERR_TLS_IDENTITY',
      ],
      [
        'an id hidden behind a comma in a URI',
        { name: 'x', uris: [`https://a.test/, URI:${spiffe}`] },
        [spiffe],
        'ERR_TLS_IDENTITY',
      ],
      ['an id hidden between commas', { name: 'x', dns: [`a, URI:${spiffe}, DNS:b`] }, [spiffe], 'ERR_TLS_IDENTITY'],
      ['an id hidden in a URI', { name: 'x', uris: [`c:d, URI:${spiffe}, URI:e`] }, [spiffe], 'ERR_TLS_IDENTITY'],
      [
        'an id hidden behind a quote',
        { name: 'x', uris: [`https://a.test/", URI:${spiffe}`] },
        [spiffe],
        'ERR_TLS_IDENTITY',
      ],
      [
        'an id hidden behind an escaped quote',
        { name: 'x', dns: [`a\\", URI:${spiffe}, "`] },
        [spiffe],
        'ERR_TLS_IDENTITY',
      ],
      ['a host hidden behind a comma', { name: 'x', dns: ['a.test, DNS:api.test'] }, ['api.test'], 'ERR_TLS_IDENTITY'],
      ['an id that needs quotes in print', { name: 'x', uris: ['spiffe://a/b,c"d'] }, ['spiffe://a/b,c"d'], 'welcome'],
    ])('%s', async (_name, subject, subjectAltNames, expected) => {
      expect(await named(subject, { subjectAltNames })).toBe(expected);
    });

    it('do not replace the authority', async () => {
      const foreign = await other.issue({ name: 'x', uris: [spiffe] });
      expect(await outcome(foreign, { ca: ca.cert, subjectAltNames: [spiffe] })).toMatch(/^UNABLE_TO_/);
    });

    it('are checked on every new connection', async () => {
      const { origin, connections } = await startHttps(server, answer(200, 'welcome', { connection: 'close' }));
      const tls = { ca: ca.cert, subjectAltNames: ['localhost'] };
      const watched = watch({ baseURL: origin, tls });
      for (let i = 0; i < 3; i++) expect((await watched.client.get('/', lane)).data).toBe('welcome');
      expect(connections).toHaveLength(3);
    });
  });

  describe('pins', () => {
    const another = `${'A'.repeat(43)}=`;

    it('let in a server whose key is one of them', async () => {
      expect(await outcome(server, { ca: ca.cert, pins: [another, server.pin] })).toBe('welcome');
      expect(await outcome(server, { ca: ca.cert, pins: [`sha256/${server.pin}`] })).toBe('welcome');
    });

    it('keep out every other one', async () => {
      expect(await outcome(server, { ca: ca.cert, pins: [another] })).toBe('ERR_TLS_IDENTITY');
    });

    it('do not replace the authority, nor the name', async () => {
      expect(await outcome(server, { ca: other.cert, pins: [server.pin] })).toMatch(/^UNABLE_TO_/);
      const misnamed = await ca.issue({ name: 'x', dns: ['elsewhere.test'] });
      expect(await outcome(misnamed, { ca: ca.cert, pins: [misnamed.pin] })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });
  });
});
