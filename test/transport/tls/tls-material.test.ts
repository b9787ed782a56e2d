import { type HttpClientConfig, PillionError } from 'pillion';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Authority, authority, type Identity, passphrase } from '../../support/certificates.js';
import { watch } from '../../support/client.js';
import { files } from '../../support/files.js';
import { pfx } from '../../support/pfx.js';

type Tls = NonNullable<HttpClientConfig['tls']>;

let ca: Authority;
let one: Identity;
let two: Identity;

beforeAll(async () => {
  ca = await authority('our CA');
  one = await ca.issue({ name: 'one' });
  two = await ca.issue({ name: 'two' });
});

/** What creating a client with this material throws. */
function fault(tls: Tls): PillionError {
  try {
    watch({ baseURL: 'https://api.test', tls });
  } catch (error) {
    expect(error).toBeInstanceOf(PillionError);
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    return error as PillionError;
  }
  throw new Error('Nothing was thrown.');
}

/** As a file is while it is being written. */
const cutShort = (pem: string) => pem.slice(0, pem.length / 2);

describe('TLS material in files', () => {
  it('that are not there is ERR_CONFIG, which names option, file and reason', () => {
    const good = files({ 'tls.crt': one.cert, 'tls.key': one.key });
    expect(fault({ cert: '/nowhere/tls.crt', key: good['tls.key'] }).message).toMatch(
      /tls\.cert .*\/nowhere\/tls\.crt.*no such file/,
    );
    expect(fault({ cert: good['tls.crt'], key: '/nowhere/tls.key' }).message).toMatch(
      /tls\.key .*\/nowhere\/tls\.key.*no such file/,
    );
    expect(fault({ ca: '/nowhere/ca.crt' }).message).toMatch(/tls\.ca .*\/nowhere\/ca\.crt.*no such file/);
    expect(fault({ pfx: '/nowhere/a.p12' }).message).toMatch(/tls\.pfx .*\/nowhere\/a\.p12.*no such file/);
  });

  it('that are folders is ERR_CONFIG', () => {
    expect(fault({ ca: '/' }).message).toMatch(/tls\.ca \(\/\).*EISDIR/);
  });

  it('that are empty or no PEM is ERR_CONFIG, and what they hold is not told', () => {
    const { empty, text } = files({ empty: '', text: 'geheim' });
    for (const path of [empty, text]) {
      const { message } = fault({ ca: path });
      expect(message).toContain(path);
      expect(message).toContain('PEM');
      expect(message).not.toContain('geheim');
    }
  });

  it('one of several authorities is named by its own file', () => {
    const { good, bad } = files({ good: ca.cert, bad: 'no PEM' });
    expect(fault({ ca: [good, bad] }).message).toContain(bad);
  });
});

describe('TLS material that does not fit is ERR_CONFIG:', () => {
  it('a key of another certificate', () => {
    const { 'tls.crt': cert, 'tls.key': key } = files({ 'tls.crt': one.cert, 'tls.key': two.key });
    const { message } = fault({ cert, key });
    expect(message).toContain(key);
    expect(message).toContain(cert);
    expect(message).toContain('does not belong');
  });

  it('a key that is encrypted, without a passphrase or with the wrong one', () => {
    const { 'tls.key': key } = files({ 'tls.key': one.encryptedKey });
    for (const extra of [{}, { passphrase: 'wrong' }]) {
      const { message } = fault({ cert: one.cert, key, ...extra });
      expect(message).toContain(key);
      expect(message).toContain('encrypted');
      expect(message).not.toContain('wrong');
    }
  });

  it('a certificate where a key belongs, and a key where a certificate belongs', () => {
    expect(fault({ cert: one.cert, key: one.cert }).message).toMatch(/tls\.key \(inline PEM\).*not a private key/);
    expect(fault({ cert: one.key, key: one.key }).message).toMatch(/tls\.cert \(inline PEM\).*not a certificate/);
    expect(fault({ ca: one.key }).message).toMatch(/tls\.ca \(inline PEM\).*not a certificate/);
  });

  it('PEM that is cut short', () => {
    expect(fault({ ca: cutShort(ca.cert) }).message).toMatch(/tls\.ca .*not a certificate/);
    expect(fault({ cert: one.cert, key: cutShort(one.key) }).message).toMatch(/tls\.key .*not a private key/);
  });

  it('authorities of which the last is cut short', () => {
    const { bundle } = files({ bundle: `${ca.cert}\n${cutShort(one.cert)}` });
    expect(fault({ ca: bundle }).message).toContain(bundle);
  });

  it('a bundle with the wrong passphrase, without one, or that is none', () => {
    const { good, bad } = files({ good: pfx(one, passphrase), bad: 'no bundle' });
    expect(fault({ pfx: good, passphrase: 'wrong' }).message).toContain(good);
    expect(fault({ pfx: good }).message).toContain(good);
    expect(fault({ pfx: bad, passphrase }).message).toContain(bad);
  });
});

describe('TLS options that contradict each other are ERR_CONFIG:', () => {
  it.each<[string, () => Tls]>([
    ['cert without key', () => ({ cert: one.cert })],
    ['key without cert', () => ({ key: one.key })],
    ['pfx beside cert and key', () => ({ pfx: '/a.p12', cert: one.cert, key: one.key })],
    ['rejectUnauthorized: false beside ca', () => ({ ca: ca.cert, rejectUnauthorized: false })],
    ['rejectUnauthorized: false beside cert', () => ({ ...pair(), rejectUnauthorized: false })],
    ['rejectUnauthorized: false beside pfx', () => ({ pfx: '/a.p12', rejectUnauthorized: false })],
    ['rejectUnauthorized: false beside serverName', () => ({ serverName: 'a.test', rejectUnauthorized: false })],
    ['rejectUnauthorized: false beside subjectAltNames', () => ({ subjectAltNames: ['a'], rejectUnauthorized: false })],
    ['rejectUnauthorized: false beside pins', () => ({ pins: [one.pin], rejectUnauthorized: false })],
  ])('%s', (_, tls) => {
    expect(fault(tls()).message).toContain('tls');
  });

  it.each(['short', `${'A'.repeat(44)}`, 'sha1/AAAA'])('a pin that is none: %s', (pin) => {
    expect(fault({ pins: [pin] }).message).toContain('pins');
  });
});

const pair = () => ({ cert: one.cert, key: one.key });

describe('the message of a fault', () => {
  it('never quotes inline material', () => {
    const tls = { cert: one.cert, key: two.key };
    const secretLines = two.key.split('\n').filter((line) => /^[\w+/=]{20,}$/.test(line));
    const { message, stack } = fault(tls);
    expect(secretLines.length).toBeGreaterThan(0);
    for (const line of secretLines) {
      expect(message).not.toContain(line);
      expect(stack).not.toContain(line);
    }
  });
});
