/** What a certificate says: its end, its names, its public key. */
import { createHash, type X509Certificate } from 'node:crypto';

/** The end of a certificate's validity, in ISO 8601. */
export function notAfter({ validTo }: X509Certificate): string {
  return isoTime(Date.parse(validTo));
}

/**
 * A subject or issuer on one line. Node puts each part on a line of its own, and gives undefined where there is none,
 * as with SPIFFE.
 */
export function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

/** A time in ISO 8601, to the second. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * The pin of a public key, as in HPKP and Envoy's `verify_certificate_spki`: base64 of the SHA-256 of the DER
 * SubjectPublicKeyInfo.
 */
export function publicKeyPin(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64');
}

/**
 * The subject alternative names as `TYPE:value`. Node prints the list with `, ` between and puts a name that holds a
 * comma or a quote in JSON quotes. The list is split by that rule, since a crafted name could spoof a plain split.
 */
export function alternativeNames(certificate: X509Certificate): string[] {
  const entries = (certificate.subjectAltName ?? '').match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  return entries.map((entry) => {
    const text = entry.trim();
    const at = text.indexOf(':');
    return text[at + 1] === '"' ? text.slice(0, at + 1) + (JSON.parse(text.slice(at + 1)) as string) : text;
  });
}
