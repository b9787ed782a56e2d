/** An identity that is replaced on demand, and an upstream that tells whose certificate it was shown. */
import type { TLSSocket, TlsOptions } from 'node:tls';
import { createIdentity, type Identity, type IdentityDeps, type IdentityOptions } from 'pillion';
import { expect, onTestFinished } from 'vitest';
import { authority } from '../../support/certificates.js';
import type { Behaviour } from '../../support/upstream.js';
import { inPlace, type Pair } from './stores.js';

/** A server of an authority, and two certificates that a client has in turn. */
export async function oldAndNext() {
  const ca = await authority('our CA');
  const server = await ca.issue({ name: 'server', dns: ['localhost'] });
  return { ca, server, old: await ca.issue({ name: 'old' }), next: await ca.issue({ name: 'next' }) };
}

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export interface Rotating {
  readonly identity: Identity;
  /** Replaces the files and has them read at once. */
  rotate(pair: Pair): void;
}

/** Closed when the test ends. What `rotate` puts in place is read by nobody before it. */
export function rotating(first: Pair, options: Partial<IdentityOptions> = {}, deps: IdentityDeps = {}): Rotating {
  const { cert, key, put } = inPlace(first);
  const reload = { interval: '1h' } as const;
  const identity = createIdentity({ reload, ...options, cert, key }, { logger: silent, ...deps });
  onTestFinished(() => identity.close());
  const rotate = (pair: Pair) => {
    put(pair);
    expect(identity.refresh()).toBe(true);
  };
  return { identity, rotate };
}

/** The name in the certificate that the client of this connection has shown. */
export function shown(socket: unknown): string {
  return String((socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody');
}

/** Answers with that name. */
export const showName: Behaviour = ({ socket }, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' }).end(shown(socket));
};

/** The same, on a new connection each time. */
export const showNameOnce: Behaviour = ({ socket }, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', connection: 'close' }).end(shown(socket));
};

/** Options of a server that asks every client for a certificate of `ca`. */
export function mutual(own: Pair, ca: { readonly cert: string }, options: TlsOptions = {}): TlsOptions {
  return { cert: own.cert, key: own.key, ca: ca.cert, requestCert: true, ...options };
}

/** Both lanes of the wire, the fast one also as it follows redirects: `family` is an option that only axios's http adapter speaks. */
export const lanes: readonly [string, { maxRedirects?: number; family?: 4 }][] = [
  ['the fast lane', {}],
  ['the fast lane with redirects', { maxRedirects: 1 }],
  ["axios's http adapter", { family: 4 }],
];
