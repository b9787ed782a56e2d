/** The tls section: the client's own certificate, and which servers it accepts. */
import { X509Certificate } from 'node:crypto';
import tls, { type ConnectionOptions, createSecureContext, type PeerCertificate } from 'node:tls';
import { z } from 'zod';
import { ErrorCode } from '../../call/errors.js';
import { ownOf } from '../../call/own.js';
import { assumed, rule } from '../../options/options.js';
import { alternativeNames, publicKeyPin } from './certificate.js';
import type { Material } from './material.js';
import { type MaterialOptions, materialOptions, paired, wherePaired } from './material-options.js';

export const tlsOptions = z.lazy(() =>
  z
    .strictObject({
      ...materialOptions(),
      serverName: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Name for SNI and for the check of the server certificate. Default: the host of the URL; set it when that is an IP address or an alias.',
        ),
      minVersion: z
        .enum(['TLSv1.2', 'TLSv1.3'])
        .optional()
        .meta({ [assumed]: 'TLSv1.2' })
        .describe('Oldest TLS version that is accepted. Default: TLSv1.2; raise it once every server speaks TLS 1.3.'),
      subjectAltNames: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          'The server certificate must have one of these names, DNS names or URIs such as `spiffe://…`. Default: the host name is checked; set it for servers with SPIFFE identities.',
        ),
      pins: z
        .array(
          z.string().regex(/^(sha256\/)?[A-Za-z0-9+/]{43}=$/, { error: 'expected the base64 SHA-256 of a public key' }),
        )
        .min(1)
        .optional()
        .describe(
          "The server certificate's public key must be one of these, each the base64 SHA-256 of its SPKI. Default: any key of a trusted certificate; list the next key before a server changes its own.",
        ),
      rejectUnauthorized: z
        .boolean()
        .default(true)
        .describe(
          '`false` accepts any server, so use it only in tests; it cannot be combined with other `tls` options. Default: true.',
        ),
    })
    .superRefine(paired, wherePaired)
    .refine(
      (given) => {
        const { rejectUnauthorized, reload: _, ...others } = ownOf(given);
        return rejectUnauthorized || Object.values(others).every((each) => each === undefined);
      },
      rule(
        ['rejectUnauthorized'],
        ['rejectUnauthorized'],
        'false would switch off the checks that the other tls options ask for; remove it',
      ),
    )
    .transform((given) => {
      const { minVersion = 'TLSv1.2', ...rest } = ownOf(given);
      return { ...rest, minVersion };
    }),
);

export type TlsOptions = z.output<typeof tlsOptions>;

/** The options that decide which servers are accepted. */
export type PeerOptions = Omit<TlsOptions, keyof MaterialOptions>;

/** The two parts of the section: the client's own material, and which servers it accepts. */
export function partsOf({ cert, key, passphrase, pfx, ca, reload, ...peer }: TlsOptions): {
  material: MaterialOptions | undefined;
  peer: PeerOptions;
} {
  const given = cert !== undefined || pfx !== undefined || ca !== undefined;
  return { material: given ? { cert, key, passphrase, pfx, ca, reload } : undefined, peer };
}

/** For a configuration without this section: Node's authorities, and the host's name. */
export const standardPeer: PeerOptions = { minVersion: 'TLSv1.2', rejectUnauthorized: true };

/** The options for `tls.connect`. One context serves all connections, since making one takes a millisecond. */
export function tlsConnectOptions(material: Material, peer: PeerOptions): ConnectionOptions {
  const { serverName, minVersion, subjectAltNames, pins, rejectUnauthorized } = peer;
  // axios compares HTTP/2 sessions by these options, and the material among them keeps different identities apart.
  const options = { ...material, minVersion, rejectUnauthorized } as ConnectionOptions;
  options.secureContext = createSecureContext(options);
  if (serverName !== undefined) options.servername = serverName;
  if (subjectAltNames !== undefined || pins !== undefined)
    options.checkServerIdentity = (host, server) => checkServer(host, server, subjectAltNames, pins);
  return options;
}

/** Checks the server once Node has verified its chain. Returns the error, as `tls.connect` expects it. */
function checkServer(
  host: string,
  peer: PeerCertificate,
  names: string[] | undefined,
  pins: string[] | undefined,
): Error | undefined {
  const certificate = new X509Certificate(peer.raw);
  if (names === undefined) {
    const mismatch = tls.checkServerIdentity(host, peer);
    if (mismatch !== undefined) return mismatch;
  } else if (!names.some((name) => hasName(certificate, name))) {
    return identityError(`its certificate has none of tls.subjectAltNames (${names.join(', ')})`);
  }
  if (pins !== undefined && !pins.some((pin) => pin.replace('sha256/', '') === publicKeyPin(certificate))) {
    return identityError('its public key is none of tls.pins');
  }
  return undefined;
}

function identityError(why: string): Error {
  return Object.assign(new Error(`The server was refused: ${why}.`), { code: ErrorCode.TLS_IDENTITY });
}

/** Compares DNS names by RFC 6125 with wildcards, as OpenSSL does, and URIs letter for letter. */
function hasName(certificate: X509Certificate, name: string): boolean {
  if (!name.includes('://')) return certificate.checkHost(name, { subject: 'never' }) !== undefined;
  return alternativeNames(certificate).includes(`URI:${name}`);
}
