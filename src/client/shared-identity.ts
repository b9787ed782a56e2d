/** Creates identities (certificate, key and authorities) for servers and clients, and connects clients to theirs. */
import {
  createSecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
  type TlsOptions as TlsServerOptions,
} from 'node:tls';
import { z } from 'zod';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { IdentityEvents } from '../call/events.js';
import { defaultLogger, type Logger, type LogProfileName } from '../call/logger.js';
import { dataOf } from '../call/own.js';
import { processWide } from '../call/process-wide.js';
import { badOptions, faultsOf, valueAt } from '../options/options.js';
import type { PolicyContext } from '../policies/policy.js';
import { eventFields } from '../policies/telemetry/log-fields.js';
import { expiring, rejected, rotated, type Transition } from '../policies/telemetry/transitions.js';
import { materialFaults } from '../transport/tls/material-faults.js';
import { type MaterialOptions, materialOptions, paired, wherePaired } from '../transport/tls/material-options.js';
import { type IdentityStats, RotatingIdentity } from '../transport/tls/rotating-identity.js';

const identityOptions = z.lazy(() => z.strictObject(materialOptions()).superRefine(paired, wherePaired));

/**
 * Certificate, key and certificate authorities, by path or as PEM text; files are watched and reloaded when they
 * change.
 */
export type IdentityOptions = z.input<typeof identityOptions>;

/** Dependencies of an identity: code that its options cannot hold. */
export interface IdentityDeps {
  /**
   * A pino logger, or any logger of its shape. Default: lines go to stderr from the level in the environment variable
   * `LOG_LEVEL` on, `warn` by default.
   */
  logger?: Logger;
  /** Field names of its lines, as `logging.profile` of clients. Default: `otel`. */
  profile?: LogProfileName;
}

/** A certificate with its key and authorities, reloaded when its files change. */
export interface Identity extends Disposable {
  /**
   * Reloads the files now. Returns true where new material came into force; unusable material is rejected with an
   * `identity.rejected` event.
   */
  refresh(): boolean;
  /** The material in force, and the last rejection. */
  stats(): IdentityStats;
  /** Adds a listener for an event and returns a function that removes it. */
  on<Name extends keyof IdentityEvents>(event: Name, listener: (event: IdentityEvents[Name]) => void): () => void;
  /**
   * Options for `https.createServer`, `http2.createSecureServer` or `tls.createServer`: each new connection uses the
   * material in force at that time. For mutual TLS add Node's `requestCert: true`. TLS sessions are not resumed,
   * because a resumed session would keep the earlier material. A client that sends no server name (SNI) gets the
   * material from when the server was created, unless the server is also passed to `attach`.
   */
  serverOptions(): TlsServerOptions;
  /**
   * Makes the server use the material in force for clients without a server name (SNI) too, until it closes. Returns
   * the server.
   */
  attach<Server extends TlsServer>(server: Server): Server;
  /** Stops watching the files. The material in force stays in force. */
  close(): void;
}

const rotating = processWide('identities', () => new WeakMap<Identity, RotatingIdentity>());

/**
 * Creates an identity that several clients (by `deps.identity`) and servers share.
 * @throws PillionError `ERR_CONFIG` for options or material that cannot be used
 */
export function createIdentity(options: IdentityOptions, { logger, profile = 'otel' }: IdentityDeps = {}): Identity {
  const core = coreOf(options);
  const write = ({ level, message, ...record }: Transition) =>
    (logger ?? defaultLogger(profile))[level](eventFields(profile, record), message);
  // An exception of the logger cannot stop a rotation, because `Events` catches it.
  core.events.on('identity.rotated', (event) => write(rotated(event)));
  core.events.on('identity.rejected', (event) => write(rejected(event)));
  core.events.on('identity.expiry_warned', (event) => write(expiring(event)));
  const identity: Identity = {
    refresh: () => core.refresh(),
    stats: () => core.stats(),
    on: core.events.on.bind(core.events),
    serverOptions: () => serverOptions(core),
    attach: (server) => attach(core, server),
    close: () => core.close(),
    [Symbol.dispose]: () => core.close(),
  };
  rotating.set(identity, core);
  return identity;
}

function coreOf(options: IdentityOptions): RotatingIdentity {
  const result = identityOptions.safeParse(dataOf(options));
  try {
    if (result.success) return new RotatingIdentity(dataOf(result.data) as typeof result.data);
  } catch (error) {
    // The options are at the top level here, not in a `tls` section.
    const { faults = [], message, cause } = error as PillionError;
    const own = faults.map(({ path, ...rest }) => ({ path: path.replace(/^tls\./, ''), ...rest }));
    throw new PillionError(ErrorCode.CONFIG, message, undefined, { faults: own, cause });
  }
  const faults = faultsOf(result.error, identityOptions, (path) => valueAt(options, path));
  const files = materialFaults(options).map(({ path, ...rest }) => ({ path: path.slice(1), ...rest }));
  throw badOptions([...faults, ...files], 'the identity');
}

function serverOptions(core: RotatingIdentity): TlsServerOptions {
  let context = createSecureContext(core.serverMaterial());
  let generation = core.generation;
  const current = () => {
    if (generation !== core.generation) context = createSecureContext(core.serverMaterial());
    generation = core.generation;
    return context;
  };
  return { ...core.serverMaterial(), SNICallback: (_, done) => done(null, current()) };
}

function attach<Server extends TlsServer>(core: RotatingIdentity, server: Server): Server {
  const own = ownOptions(server);
  const renew = () => {
    const { secureOptions = 0, ...material } = core.serverMaterial();
    server.setSecureContext({ ...own, ...material, secureOptions: secureOptions | (own.secureOptions ?? 0) });
  };
  const stop = core.onRotation(renew);
  server.once('close', stop);
  renew();
  return server;
}

/** The options the server was created with: `setSecureContext` resets every option that it is not given. */
function ownOptions(server: TlsServer): SecureContextOptions {
  const names = [
    'minVersion',
    'maxVersion',
    'ciphers',
    'ecdhCurve',
    'dhparam',
    'honorCipherOrder',
    'sigalgs',
    'crl',
    'secureOptions',
  ];
  const made = server as unknown as Record<string, unknown>;
  return Object.fromEntries(names.filter((name) => made[name] !== undefined).map((name) => [name, made[name]]));
}

/** A client's reference to its identity; `close` closes the client's own identity, but never a shared one. */
export interface HeldIdentity {
  readonly core: RotatingIdentity;
  close(): void;
}

/**
 * Gives a client its own identity or a reference to a shared one. Its events are emitted by the client too, whose policy
 * `logging` writes the lines of its own identity; a shared one writes them itself.
 */
export function holdIdentity(source: MaterialOptions | Identity, context: PolicyContext): HeldIdentity {
  const shared = rotating.get(source as Identity);
  const core = shared ?? new RotatingIdentity(source as MaterialOptions);
  const stop = forward(core, context, shared !== undefined);
  return {
    core,
    close: () => {
      stop();
      if (shared === undefined) core.close();
    },
  };
}

/** @throws PillionError `ERR_CONFIG` for anything that `createIdentity` did not create */
export function checkIdentity(identity: unknown): void {
  if (identity === undefined || rotating.has(identity as Identity)) return;
  const why = 'deps.identity was not created by createIdentity()';
  const faults = [{ path: 'deps.identity', message: why }];
  throw new PillionError(ErrorCode.CONFIG, `Bad configuration: ${why}.`, undefined, { faults });
}

function forward({ events: from }: RotatingIdentity, { client, events }: PolicyContext, shared: boolean): () => void {
  const whose = shared ? { client, shared } : { client };
  const stops = [
    from.on('identity.rotated', (event) => events.emit('identity.rotated', { ...whose, ...event })),
    from.on('identity.rejected', (event) => events.emit('identity.rejected', { ...whose, ...event })),
    from.on('identity.expiry_warned', (event) => events.emit('identity.expiry_warned', { ...whose, ...event })),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
