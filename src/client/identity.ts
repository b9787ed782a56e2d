/** An identity that clients and servers share, and how a client holds its own. */
import {
  createSecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
  type TlsOptions as TlsServerOptions,
} from 'node:tls';
import { z } from 'zod';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { Events, IdentityEvents } from '../call/events.js';
import { defaultLogger, type Logger } from '../call/logger.js';
import { dataOf } from '../call/own.js';
import { badOptions, faultsOf, valueAt } from '../options/options.js';
import type { PolicyContext } from '../policies/policy.js';
import { type IdentityStats, RotatingIdentity } from '../transport/tls/identity.js';
import { type MaterialOptions, materialOptions, paired, wherePaired } from '../transport/tls/material.js';
import { materialFaults } from '../transport/tls/material-faults.js';

const identityOptions = z.strictObject(materialOptions).superRefine(paired, wherePaired);

/** Certificate, key and authorities by path or as PEM text; files are watched. */
export type IdentityOptions = z.input<typeof identityOptions>;

/** Code that stands beside the options. */
export interface IdentityDeps {
  /** pino, or any logger of its shape; a pino logger to stdout by default. */
  logger?: Logger;
}

/** A certificate with its key and authorities, renewed when its files change. */
export interface Identity extends Disposable {
  /** Reads the files now. True where new material came in force; material that cannot be used is refused with an event. */
  refresh(): boolean;
  /** What is in force, and what was refused last. */
  stats(): IdentityStats;
  /** Adds a listener for an event; the function returned takes it away again. */
  on<Name extends keyof IdentityEvents>(event: Name, listener: (event: IdentityEvents[Name]) => void): () => void;
  /**
   * Options for `https.createServer`, `http2.createSecureServer` or `tls.createServer`: each new connection gets the material
   * that is in force then. For mutual TLS add Node's `requestCert: true`. Sessions are not resumed, since a resumed one
   * would carry what was in force before. A client that sends no server name (SNI) gets the material of the start, unless
   * the server is attached too.
   */
  serverOptions(): TlsServerOptions;
  /** Gives clients that send no server name the material in force as well, until the server closes. Returns the server. */
  attach<Server extends TlsServer>(server: Server): Server;
  /** Stops watching. What is in force stays in force. */
  close(): void;
}

const rotating = new WeakMap<Identity, RotatingIdentity>();

/**
 * An identity for many clients (`deps.identity`) and for servers.
 * @throws PillionError `ERR_CONFIG` for options or material that cannot be used
 */
export function createIdentity(options: IdentityOptions, { logger }: IdentityDeps = {}): Identity {
  const core = coreOf(options);
  logRotations(core, () => logger ?? defaultLogger(), {});
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
    // Its options stand in no section.
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

/** What the server was made with: `setSecureContext` forgets whatever it is not given. */
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

/** A client's hold on its identity. */
export interface HeldIdentity {
  readonly core: RotatingIdentity;
  close(): void;
}

/** An identity of the client's own, or its share in another one: told of by the client's events, logged where it is its own. */
export function holdIdentity(source: MaterialOptions | Identity, context: PolicyContext): HeldIdentity {
  const shared = rotating.get(source as Identity);
  const core = shared ?? new RotatingIdentity(source as MaterialOptions);
  const stop = forward(core, context);
  if (shared === undefined) logRotations(core, () => context.logger ?? defaultLogger(), { client: context.client });
  return {
    core,
    close: () => {
      stop();
      if (shared === undefined) core.close();
    },
  };
}

/** @throws PillionError ERR_CONFIG for anything that createIdentity did not make */
export function checkIdentity(identity: unknown): void {
  if (identity === undefined || rotating.has(identity as Identity)) return;
  const why = 'deps.identity is not made by createIdentity()';
  const faults = [{ path: 'deps.identity', message: why }];
  throw new PillionError(ErrorCode.CONFIG, `Bad configuration: ${why}.`, undefined, { faults });
}

function forward({ events: from }: RotatingIdentity, { client, events }: PolicyContext): () => void {
  const stops = [
    from.on('identity.rotated', (event) => events.emit('identity.rotated', { client, ...event })),
    from.on('identity.rejected', (event) => events.emit('identity.rejected', { client, ...event })),
    from.on('identity.expiry_warned', (event) => events.emit('identity.expiry_warned', { client, ...event })),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** The events as log lines. A logger that fails must not stop a rotation: `Events` sees to that. */
function logRotations({ events }: { events: Events<IdentityEvents> }, logger: () => Logger, fields: object): void {
  events.on('identity.rotated', ({ generation, subject, notAfter: not_after }) =>
    logger().info({ ...fields, generation, subject, not_after }, 'identity rotated'),
  );
  events.on('identity.rejected', ({ generation, message }) =>
    logger().warn({ ...fields, generation, reason: message }, 'identity rejected, the one before stays in force'),
  );
  events.on('identity.expiry_warned', ({ generation, subject, notAfter: not_after, daysLeft: days_left }) => {
    const told = { ...fields, generation, subject, not_after, days_left };
    if (Date.parse(not_after) > Date.now()) return logger().warn(told, 'certificate expires soon');
    return logger().error(told, 'certificate has expired');
  });
}
