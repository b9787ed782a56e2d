/** Certificates and keys as `pillion check` reads them: from files, in time. */
import { X509Certificate } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import { checkText } from '../../../src/cli/checks/configuration.js';
import { isoTime } from '../../../src/transport/tls/certificate.js';
import { authority, type Identity, passphrase } from '../../support/certificates.js';
import { files } from '../../support/files.js';
import { pfx } from '../../support/pfx.js';
import { spelledOut, yaml } from './texts.js';

const day = 86_400_000;
const ca = await authority('the authority');
const good = await ca.issue({ name: 'client', expiresIn: 30 * day });
const other = await ca.issue({ name: 'other', expiresIn: 30 * day });
const expired = await ca.issue({ name: 'client', expiresIn: -day });
const ending = await ca.issue({ name: 'client', expiresIn: day / 3 + 60_000 });

const timeOf = (date: 'validFrom' | 'validTo', { cert }: Identity) =>
  isoTime(Date.parse(new X509Certificate(cert)[date]));

const contents = {
  'tls.crt': good.cert,
  'tls.key': good.key,
  'encrypted.key': good.encryptedKey,
  'other.key': other.key,
  'expired.crt': expired.cert,
  'expired.key': expired.key,
  'ending.crt': ending.cert,
  'ending.key': ending.key,
  'ca.crt': ca.cert,
  'bundle.p12': pfx(good, passphrase),
  'ending.p12': pfx(ending, passphrase),
  'words.txt': 'nothing of use\n',
  'broken.crt': '-----BEGIN CERTIFICATE-----\nbm90aGluZyBvZiB1c2U=\n-----END CERTIFICATE-----\n',
  'half.crt': `${ca.cert}\n-----BEGIN CERTIFICATE-----\nbm90aGluZyBvZiB1c2U=\n-----END CERTIFICATE-----\n`,
  'broken.key': '-----BEGIN PRIVATE KEY-----\nbm90aGluZyBvZiB1c2U=\n-----END PRIVATE KEY-----\n',
  'public.key': createPublic(good),
};

function createPublic({ cert }: Identity): string {
  return new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'pem' }) as string;
}

/** The tls section with `@name` for the path of a file; the same stands for it in what is said. */
function check(tls: string, surroundings: { files?: boolean } = {}) {
  const paths = files(contents);
  const folder = paths['tls.crt'].slice(0, -'tls.crt'.length);
  const text = `clients:\n  a:\n    baseURL: https://a.test\n    tls: ${tls.replaceAll('@', folder)}\n`;
  const { errors, warnings } = checkText(text, 'clients.yaml', { env: {}, ...surroundings });
  const said = (faults: typeof errors) =>
    spelledOut(faults).map((fault) => fault.replace(/^\d+:\d+ /, '').replaceAll(folder, '@'));
  return { errors: said(errors), warnings: said(warnings) };
}

it.each<[string, string, string[]]>([
  [
    'a certificate that is not there',
    '{ cert: @tls.cert, key: @tls.key }',
    ['clients.a.tls.cert (@tls.cert): there is no such file'],
  ],
  [
    'a key that is not there',
    '{ cert: @tls.crt, key: @key.pem }',
    ['clients.a.tls.key (@key.pem): there is no such file'],
  ],
  [
    'an authority that is not there',
    '{ ca: @authority.crt }',
    ['clients.a.tls.ca (@authority.crt): there is no such file'],
  ],
  ['a bundle that is not there', '{ pfx: @bundle.pfx }', ['clients.a.tls.pfx (@bundle.pfx): there is no such file']],
  [
    'all of them not there',
    '{ cert: @1, key: @2, ca: @3 }',
    [
      'clients.a.tls.cert (@1): there is no such file',
      'clients.a.tls.key (@2): there is no such file',
      'clients.a.tls.ca (@3): there is no such file',
    ],
  ],
  [
    'a folder in place of a certificate',
    '{ cert: @., key: @tls.key }',
    ['clients.a.tls.cert (@.): it cannot be read (EISDIR)'],
  ],
  [
    'a key of another certificate',
    '{ cert: @tls.crt, key: @other.key }',
    ['clients.a.tls.key (@other.key): it does not belong to the certificate in @tls.crt'],
  ],
  [
    'certificate and key the wrong way round',
    '{ cert: @tls.key, key: @tls.crt }',
    ['clients.a.tls.cert (@tls.key): it is not a certificate'],
  ],
  [
    'a certificate that has expired',
    '{ cert: @expired.crt, key: @expired.key }',
    [`clients.a.tls.cert (@expired.crt): it expired on ${timeOf('validTo', expired)}`],
  ],
  [
    'a certificate that is only words',
    '{ cert: @words.txt, key: @tls.key }',
    ['clients.a.tls.cert (@words.txt): it holds no PEM block ("-----BEGIN …-----")'],
  ],
  [
    'a certificate that does not parse',
    '{ cert: @broken.crt, key: @tls.key }',
    ['clients.a.tls.cert (@broken.crt): it is not a certificate'],
  ],
  [
    'an authority that does not parse',
    '{ ca: @broken.crt }',
    ['clients.a.tls.ca (@broken.crt): it is not a certificate'],
  ],
  [
    'an authority that does not parse, behind one that does',
    '{ ca: @half.crt }',
    ['clients.a.tls.ca (@half.crt): it is not a certificate'],
  ],
  [
    'an authority that is a key',
    '{ ca: [@ca.crt, @tls.key] }',
    ['clients.a.tls.ca (@tls.key): it is not a certificate'],
  ],
  [
    'a key that does not parse',
    '{ cert: @tls.crt, key: @broken.key }',
    ['clients.a.tls.key (@broken.key): it is not a private key'],
  ],
  [
    'a key that is a public one',
    '{ cert: @tls.crt, key: @public.key }',
    ['clients.a.tls.key (@public.key): it is not a private key'],
  ],
  [
    'a key that is encrypted, and no passphrase',
    '{ cert: @tls.crt, key: @encrypted.key }',
    ['clients.a.tls.key (@encrypted.key): it is encrypted and tls.passphrase does not open it'],
  ],
  [
    'a key that is encrypted, and another passphrase',
    '{ cert: @tls.crt, key: @encrypted.key, passphrase: wrong }',
    ['clients.a.tls.key (@encrypted.key): it is encrypted and tls.passphrase does not open it'],
  ],
  [
    'a bundle that is none',
    '{ pfx: @words.txt, passphrase: open sesame }',
    ['clients.a.tls.pfx (@words.txt): not enough data'],
  ],
  [
    'a bundle and another passphrase',
    '{ pfx: @bundle.p12, passphrase: wrong }',
    ['clients.a.tls.pfx (@bundle.p12): mac verify failure'],
  ],
  ['a bundle and no passphrase', '{ pfx: @bundle.p12 }', ['clients.a.tls.pfx (@bundle.p12): mac verify failure']],
  [
    'a key pasted without its lines',
    `{ cert: @tls.crt, key: ${good.key.split('\n').slice(1, -2).join('')} }`,
    ['clients.a.tls.key (a value of 184 characters that is neither PEM nor a path): there is no such file'],
  ],
])('%s is an error', (_, tls, errors) => {
  expect(check(tls)).toEqual({ errors, warnings: [] });
});

it('every authority that is not there is an error, not the first only', () => {
  expect(check('{ ca: [@1, @2] }').errors).toEqual([
    'clients.a.tls.ca (@1): there is no such file',
    'clients.a.tls.ca (@2): there is no such file',
  ]);
});

it('a certificate that is not valid yet is an error', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3 * day });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  expect(check('{ cert: @tls.crt, key: @tls.key }').errors).toEqual([
    `clients.a.tls.cert (@tls.crt): it is not valid before ${timeOf('validFrom', good)}`,
  ]);
});

it.each(['{ cert: @ending.crt, key: @ending.key }', '{ pfx: @ending.p12, passphrase: open sesame }'])(
  'a certificate with less than a third of its lifetime left is a warning: %s',
  (tls) => {
    const [, option, file] = /(cert|pfx): (@ending\.\w+)/.exec(tls) ?? [];
    expect(file).toMatch(/^@ending/);
    expect(check(tls)).toEqual({
      errors: [],
      warnings: [`clients.a.tls.${option} expires in 0.3 days, on ${timeOf('validTo', ending)}`],
    });
  },
);

it.each([
  '{ cert: @tls.crt, key: @tls.key }',
  '{ cert: @tls.crt, key: @encrypted.key, passphrase: open sesame, ca: @ca.crt }',
  '{ pfx: @bundle.p12, passphrase: open sesame, ca: [@ca.crt, @ca.crt] }',
  '{ ca: @ca.crt }',
  '{ serverName: a.test }',
])('what fits together is neither an error nor a warning: %s', (tls) => {
  expect(check(tls)).toEqual({ errors: [], warnings: [] });
});

it('inline PEM is read as a file is', () => {
  const text = JSON.stringify({ clients: { a: { tls: { cert: good.cert, key: other.key } } } });
  expect(spelledOut(checkText(text, 'clients.json', { env: {} }).errors)).toEqual([
    `1:${text.indexOf('"-----BEGIN PRIVATE') + 1} clients.a.tls.key (inline PEM): it does not belong to the certificate in inline PEM`,
  ]);
});

it('a key is not quoted where it stands in place of a path', () => {
  const line = good.key.split('\n')[1] ?? '';
  expect(JSON.stringify(check(`{ cert: @tls.crt, key: "${line}" }`))).not.toContain(line);
});

it('files are not looked for where nobody wants them read', () => {
  expect(check('{ cert: @nowhere.crt, key: @nowhere.key }', { files: false })).toEqual({ errors: [], warnings: [] });
});

it('an error stands at the option of the file, and is reported once where the defaults cause it for two clients', () => {
  const text = yaml`
    defaults:
      tls:
        ca: /nowhere/ca.crt
    clients: { a: {}, b: {} }
  `;
  expect(spelledOut(checkText(text, 'clients.yaml', { env: {} }).errors)).toEqual([
    '3:9 defaults.tls.ca (/nowhere/ca.crt): there is no such file',
  ]);
});
