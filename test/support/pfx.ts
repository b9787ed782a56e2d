/** A PKCS#12 bundle written by hand (RFC 7292): Node can read one but not make one. */
import { createHash, createHmac, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import type { Identity } from './certificates.js';

const oids = {
  data: '2a864886f70d010701',
  shroudedKeyBag: '2a864886f70d010c0a0102',
  certBag: '2a864886f70d010c0a0103',
  x509Certificate: '2a864886f70d01091601',
  sha256: '608648016503040201',
} as const;

const iterations = 2048;

/** The certificate and its encrypted key, with a MAC over both by the same passphrase. */
export function pfx({ cert, key }: Identity, passphrase: string): Buffer {
  const certificate = new X509Certificate(cert).raw;
  const shrouded = createPrivateKey(key).export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase });
  const certBag = sequence(oid('x509Certificate'), tagged(octets(certificate)));
  const bags = sequence(
    sequence(oid('certBag'), tagged(certBag)),
    sequence(oid('shroudedKeyBag'), tagged(shrouded as Buffer)),
  );
  const contents = sequence(contentInfo(bags));
  const salt = randomBytes(16);
  const digest = createHmac('sha256', macKey(passphrase, salt)).update(contents).digest();
  const digestInfo = sequence(sequence(oid('sha256'), Buffer.from('0500', 'hex')), octets(digest));
  const macData = sequence(
    digestInfo,
    octets(salt),
    der(0x02, Buffer.from(iterations.toString(16).padStart(4, '0'), 'hex')),
  );
  return sequence(der(0x02, Buffer.from([3])), contentInfo(contents), macData);
}

function contentInfo(content: Buffer): Buffer {
  return sequence(oid('data'), tagged(octets(content)));
}

/** RFC 7292, appendix B.2, for a key that is as long as the hash: one block and no more. */
function macKey(passphrase: string, salt: Buffer): Buffer {
  const block = 64;
  const password = Buffer.from(`${passphrase}\0`, 'utf16le').swap16();
  const fill = (bytes: Buffer) => Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
  let hash = Buffer.concat([Buffer.alloc(block, 3), fill(salt), fill(password)]);
  for (let i = 0; i < iterations; i++) hash = createHash('sha256').update(hash).digest();
  return hash;
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const octets = (content: Buffer) => der(0x04, content);
const tagged = (content: Buffer) => der(0xa0, content);
const oid = (name: keyof typeof oids) => der(0x06, Buffer.from(oids[name], 'hex'));
