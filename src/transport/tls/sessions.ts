/** TLS sessions, so that a further connection to a server is resumed: without certificates, and without signatures. */
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { Recent } from '../../call/recent.js';

/** Servers whose last session is kept; each takes about 2 KB. */
const maxServers = 1024;

/** Milliseconds for which a verified certificate counts. Resumptions do not extend them, however often they follow each other. */
const trustTime = 3_600_000;

interface Known {
  session: Buffer | undefined;
  /** The value of `Date.now()` from which on the server's certificate has to be verified again. */
  trustedUntil: number;
}

/**
 * The sessions of the connections under one identity. Node verifies nothing when a session is resumed, and the server takes
 * the client's certificate from it: so a session is only for the server and the name that it was made for, and never
 * leaves its identity, unless `mayResume` says that nothing would be decided otherwise.
 */
export class TlsSessions {
  readonly #servers = new Recent<Known>({ max: maxServers });

  /** The session to offer to this server; undefined where there is none, or its certificate must be verified again. */
  of(server: string): Buffer | undefined {
    const known = this.#servers.get(server);
    return known !== undefined && Date.now() < known.trustedUntil ? known.session : undefined;
  }

  /**
   * Keeps the sessions that a new connection to this server brings. With TLS 1.3 they come after the handshake. The last
   * one is kept and may be offered several times; a server that takes each only once answers with a whole handshake.
   */
  follow(server: string, socket: TLSSocket): void {
    const offered = this.#servers.get(server)?.trustedUntil ?? 0;
    let trustedUntil = 0;
    socket.once('secureConnect', () => {
      trustedUntil = socket.isSessionReused() ? offered : endOfTrust(socket);
    });
    socket.on('session', (session: Buffer) => {
      const known = this.#servers.use(server, () => ({ session: undefined, trustedUntil: 0 }));
      known.session = session;
      known.trustedUntil = trustedUntil;
    });
  }
}

function endOfTrust(socket: TLSSocket): number {
  const end = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
  return Math.min(Date.now() + trustTime, Number.isNaN(end) ? 0 : end);
}

/** Held by the options themselves: other options, such as those without the client's certificate, have other sessions. */
const sessions = new WeakMap<ConnectionOptions, TlsSessions>();

/** The sessions of the connections that are made with these options. */
export function sessionsOf(identity: ConnectionOptions): TlsSessions {
  const known = sessions.get(identity) ?? new TlsSessions();
  sessions.set(identity, known);
  return known;
}

/** Makes connections with the options `next` resume the sessions of those made with `before`. */
export function shareSessions(before: ConnectionOptions, next: ConnectionOptions): void {
  sessions.set(next, sessionsOf(before));
}
