import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpClient, type HttpClientConfig, PillionError } from 'pillion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority } from '../support/certificates.js';
import { type Secretive, secretive } from './certificates.js';
import { leaksOf } from './planted.js';

let ours: Secretive;
let other: Secretive;
let folder: string;

beforeAll(async () => {
  const root = await authority('root');
  ours = await secretive(root, 'ours');
  other = await secretive(root, 'other');
  folder = mkdtempSync(join(tmpdir(), 'pillion-secrets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Configurations that are wrong and full of secrets, and what the message has to name all the same. */
const faulty: Record<string, () => [HttpClientConfig, ...string[]]> = {
  'a key without its certificate': () => [{ tls: { key: ours.key, passphrase: ours.passphrase } }, 'tls.cert'],
  'the key of another certificate': () => [{ tls: { cert: ours.cert, key: other.key } }, 'tls.key', 'inline PEM'],
  'an encrypted key without its passphrase': () => [
    { tls: { cert: ours.cert, key: ours.encryptedKey } },
    'tls.key',
    'passphrase',
  ],
  'an encrypted key with a wrong passphrase': () => [
    { tls: { cert: ours.cert, key: ours.encryptedKey, passphrase: 'planted-wrong' } },
    'tls.key',
    'passphrase',
  ],
  'a key where the certificate belongs': () => [{ tls: { cert: ours.key, key: ours.key } }, 'tls.cert'],
  'a key that is damaged': () => [
    { tls: { cert: ours.cert, key: ours.key.replace(/[\w+/]{10}\n/, 'planted!!!\n') } },
    'tls.key',
  ],
  'a key in a file that is damaged': () => [
    { tls: { cert: ours.cert, key: file('bad.key', ours.key.replace(/[\w+/]{10}\n/, 'planted!!!\n')) } },
    'tls.key',
    'bad.key',
  ],
  'a key in base64, as a mounted secret shows it': () => [
    { tls: { cert: ours.cert, key: base64(ours.key) } },
    'tls.key',
  ],
  'a key without its first line': () => [
    { tls: { cert: ours.cert, key: ours.key.split('\n').slice(1).join('\n') } },
    'tls.key',
  ],
  'a key in DER, base64': () => [
    { tls: { cert: ours.cert, key: ours.key.split('\n').slice(1, -2).join('') } },
    'tls.key',
  ],
  'a bundle given as its content': () => [{ tls: { pfx: base64(ours.key), passphrase: ours.passphrase } }, 'tls.pfx'],
  'a bundle that is none': () => [
    { tls: { pfx: file('bad.p12', 'planted-bundle'), passphrase: ours.passphrase } },
    'tls.pfx',
    'bad.p12',
  ],
  'a key as a trusted certificate': () => [{ tls: { ca: [ours.key] } }, 'tls.ca', 'inline PEM'],
  'options that are unknown': () => [
    { passphrase: ours.passphrase, tls: { privateKey: ours.key }, headers: {} } as HttpClientConfig,
    'passphrase: unknown option',
    'tls.privateKey: unknown option',
  ],
  'options of the wrong type': () => [
    {
      tls: { key: [ours.key], passphrase: { text: ours.passphrase } },
      headers: { authorization: ['planted'] },
    } as never,
    'tls.key',
    'tls.passphrase',
    'headers.authorization',
  ],
  'a header that cannot be sent': () => [{ headers: { authorization: 'planted\r\nx: y' } }, 'headers'],
  'a baseURL with credentials that is no URL': () => [{ baseURL: 'ftp://ada:planted-userinfo@api.test' }, 'baseURL'],
  'a baseURL with a query': () => [{ baseURL: 'http://api.test?token=planted-query' }, 'baseURL'],
};

describe('nothing secret is printed by ERR_CONFIG', () => {
  it.each(Object.keys(faulty))('for %s', (name) => {
    const [config, ...named] = faulty[name]?.() ?? [{}];
    let error: unknown;
    try {
      createHttpClient(config, {});
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PillionError);
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    for (const text of named) expect((error as Error).message).toContain(text);
    const lines = [...ours.secretLines, ...other.secretLines];
    const secrets = [...lines, ours.passphrase, base64(ours.key).slice(40, 80), lines.join('').slice(10, 50)];
    expect(leaksOf(error, secrets)).toEqual([]);
  });
});

describe('the material of a client', () => {
  it('is not shown by the client itself', () => {
    const config = { tls: { cert: ours.cert, key: ours.encryptedKey, passphrase: ours.passphrase } };
    const client = createHttpClient(config, {});
    expect(leaksOf(client, [...ours.secretLines, ours.passphrase])).toEqual([]);
    expect(leaksOf(client.stats(), [...ours.secretLines, ours.passphrase])).toEqual([]);
  });

  it('is not in the configuration of a call', async () => {
    const config = { tls: { cert: ours.cert, key: ours.encryptedKey, passphrase: ours.passphrase } };
    const transport = async (request: object) => ({
      data: request,
      status: 200,
      statusText: '',
      headers: {},
      config: {},
    });
    const client = createHttpClient({ baseURL: 'https://api.test', logging: false, ...config }, {
      transport,
    } as never);
    const seen = await client.get('/', { transformResponse: [] });
    for (const secret of [...ours.secretLines, ours.passphrase]) {
      expect(JSON.stringify(seen.config)).not.toContain(secret);
      expect(JSON.stringify(seen.data)).not.toContain(secret);
    }
  });
});
