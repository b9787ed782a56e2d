/** An identity, and what of it must never be printed. */
import { type Authority, type Identity, passphrase } from '../support/certificates.js';

export interface Secretive extends Identity {
  readonly passphrase: string;
  /** Each line of both keys: what a printed key would show. */
  readonly secretLines: readonly string[];
}

export async function secretive(ca: Authority, name: string): Promise<Secretive> {
  const identity = await ca.issue({ name, dns: [name] });
  const lines = [identity.key, identity.encryptedKey].flatMap((pem) => pem.split('\n'));
  return { ...identity, passphrase, secretLines: lines.filter((line) => /^[\w+/=]{20,}$/.test(line)) };
}
