import type { TlsOptions } from 'node:tls';
import { classify, type HttpClientConfig } from 'pillion';
import { beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { type Authority, authority, type Identity } from '../support/certificates.js';
import { lanes, line, rejection, watch } from '../support/client.js';
import { startHttps } from '../support/upstream.js';

type Tls = NonNullable<HttpClientConfig['tls']>;

let ca: Authority;
let stranger: Authority;
let server: Identity;
let misnamed: Identity;
let expired: Identity;
let client: Identity;

beforeAll(async () => {
  ca = await authority('our CA');
  stranger = await authority('another CA');
  server = await ca.issue({ name: 'localhost', dns: ['localhost'] });
  misnamed = await ca.issue({ name: 'localhost', dns: ['elsewhere.test'] });
  expired = await ca.issue({ name: 'localhost', dns: ['localhost'], expiresIn: -60_000 });
  client = await ca.issue({ name: 'client' });
});

/** What is wrong, the server's material, the client's, and the codes that Node has for it. */
const faults: [string, () => TlsOptions, () => Tls, RegExp][] = [
  [
    'of an authority that is not trusted',
    () => server,
    () => ({ ca: stranger.cert }),
    /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
  ],
  ['for another name', () => misnamed, () => ({ ca: ca.cert }), /^ERR_TLS_CERT_ALTNAME_INVALID$/],
  ['that has expired', () => expired, () => ({ ca: ca.cert }), /^CERT_HAS_EXPIRED$/],
];

describe.each(lanes)('on %s', (_, lane) => {
  describe.each(faults)('a server certificate %s', (_name, offered, tls, code) => {
    it.each(['GET', 'POST'])('ends a %s with its own code; nothing is sent, nothing tried again', async (method) => {
      const { origin, requests, connections } = await startHttps(offered(), answer());
      const watched = watch({ baseURL: origin, tls: tls() });
      const error = await rejection(watched.client.request({ ...lane, method, url: '/' }));
      expect(error).toMatchObject({ code: expect.stringMatching(code), isAxiosError: true, attempts: 1 });
      expect(classify(error)).toBe('tls');
      expect(connections).toHaveLength(1);
      expect(requests).toEqual([]);
      expect(watched.lines).toEqual([line('error', { method, type: error.code, attempts: 1 })]);
    });

    it('never opens the circuit', async () => {
      const { origin } = await startHttps(offered(), answer());
      const watched = watch({ baseURL: origin, tls: tls(), circuitBreaker: { volumeThreshold: 1 } });
      const codes = [];
      for (let i = 0; i < 3; i++) codes.push((await rejection(watched.client.get('/', lane))).code);
      expect(codes).toEqual([codes[0], codes[0], codes[0]]);
    });
  });

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a server that asks for a client certificate by %s', (version) => {
    const asking = () => ({ ...server, ca: ca.cert, requestCert: true, minVersion: version, maxVersion: version });

    it.each(['GET', 'POST'])('ends a %s that shows none with its alert, and nothing is tried again', async (method) => {
      const { origin, requests, connections } = await startHttps(asking(), answer());
      const watched = watch({ baseURL: origin, tls: { ca: ca.cert } });
      const error = await rejection(watched.client.request({ ...lane, method, url: '/' }));
      expect(error).toMatchObject({
        code: expect.stringMatching(/^(ERR_SSL_|EPROTO$)/),
        isAxiosError: true,
        attempts: 1,
      });
      expect(classify(error)).toBe('tls');
      expect(connections).toHaveLength(1);
      expect(requests).toEqual([]);
      expect(watched.lines).toEqual([line('error', { method, type: error.code, attempts: 1 })]);
    });

    it('lets in the right one', async () => {
      const { origin, requests } = await startHttps(asking(), answer(200, 'welcome'));
      const { cert, key } = client;
      const watched = watch({ baseURL: origin, tls: { cert, key, ca: ca.cert } });
      expect((await watched.client.get('/', lane)).data).toBe('welcome');
      expect(requests).toHaveLength(1);
    });
  });
});
