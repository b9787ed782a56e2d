/** A rotating identity: TLS material that is replaced when its files change and the new ones are valid. */
import { constants, type X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Events, type IdentityEvents } from '../../call/events.js';
import { alternativeNames, isoTime, notAfter, oneLine } from './certificate.js';
import { daysLeft, ExpiryWatch } from './expiry.js';
import { checkMaterial, type Loaded, type Material, pathsOf, readMaterial, startsAt } from './material.js';
import type { MaterialOptions } from './material-options.js';
import { FileWatch } from './watch.js';

/** The state of an identity. */
export interface IdentityStats {
  /** 1 at first; one more after each rotation. */
  generation: number;
  /** Subject of the certificate in force; empty where it names none, absent where there are only authorities. */
  subject?: string;
  /** The certificate's DNS names and URIs, each with its kind. */
  subjectAltNames?: string[];
  /** The authority that signed the certificate. */
  issuer?: string;
  /** Start of its validity, ISO 8601. */
  notBefore?: string;
  /** End of its validity, ISO 8601. */
  notAfter?: string;
  /**
   * The days left, for display: to one decimal, rounded down; negative once it has expired. Whether it has is decided
   * by `notAfter`.
   */
  daysLeft?: number;
  /** Time of the last rotation, ISO 8601; null where there was none yet. */
  lastRotation: string | null;
  /** The last time that changed material was refused: when (ISO 8601) and why. */
  lastRejection: { at: string; message: string } | null;
}

const dayMs = 86_400_000;
const standardDrain = 600_000;

export class RotatingIdentity {
  readonly events = new Events<IdentityEvents>();
  readonly #options: MaterialOptions;
  readonly #watch: FileWatch | undefined;
  readonly #expiry: ExpiryWatch;
  #loaded: Loaded;
  #generation = 1;
  #lastRotation: string | null = null;
  #lastRejection: { at: string; message: string } | null = null;
  /** The material that was refused last, so that a refusal is reported only once. */
  #refused: { message: string; material: Material | undefined } | undefined;
  #again: NodeJS.Timeout | undefined;

  /** @throws PillionError ERR_CONFIG for material that cannot be used */
  constructor(options: MaterialOptions) {
    this.#options = options;
    this.#loaded = checkMaterial(options, readMaterial(options));
    this.#expiry = new ExpiryWatch((certificate) =>
      this.events.emit('identity.expiry_warned', {
        generation: this.#generation,
        ...described(certificate),
        daysLeft: daysLeft(certificate),
      }),
    );
    this.#expiry.follow(this.#loaded.certificate);
    const paths = pathsOf(options);
    if (options.reload !== false && paths.length > 0)
      this.#watch = new FileWatch(paths, options.reload.interval, () => this.refresh());
  }

  get generation(): number {
    return this.#generation;
  }

  get material(): Material {
    return this.#loaded.material;
  }

  /** Milliseconds that calls in flight have to finish on connections with a replaced identity. */
  get drainTimeout(): number {
    return this.#options.reload === false ? standardDrain : this.#options.reload.drainTimeout;
  }

  /** Calls back whenever new material is in force; the returned function stops that. */
  onRotation(listener: () => void): () => void {
    return this.events.on('identity.rotated', listener);
  }

  /**
   * Reads the files now. Returns true where new material is in force. Never throws: material that cannot be used is
   * refused with the event `identity.rejected`.
   */
  refresh(): boolean {
    clearTimeout(this.#again);
    let material: Material | undefined;
    try {
      material = readSettled(this.#options);
      if (isDeepStrictEqual(material, this.#loaded.material)) {
        this.#refused = undefined;
        return false;
      }
      this.#rotate(checkMaterial(this.#options, material));
      return true;
    } catch (error) {
      this.#reject(error as Error, material);
      return false;
    }
  }

  #rotate(loaded: Loaded): void {
    this.#loaded = loaded;
    this.#generation++;
    this.#lastRotation = isoTime(Date.now());
    this.#refused = undefined;
    this.#expiry.follow(loaded.certificate);
    const { certificate } = loaded;
    this.events.emit('identity.rotated', {
      generation: this.#generation,
      ...(certificate && described(certificate)),
    });
  }

  #reject(error: Error & { [startsAt]?: number }, material: Material | undefined): void {
    const message = error.message.replace(/^Bad configuration: /, '');
    const start = error[startsAt];
    // This material becomes valid by time alone: no change of its files will cause another read.
    if (start !== undefined)
      this.#again = setTimeout(() => this.refresh(), Math.min(start - Date.now() + 1000, dayMs)).unref();
    const refused = { message, material };
    if (isDeepStrictEqual(refused, this.#refused)) return;
    this.#refused = refused;
    this.#lastRejection = { at: isoTime(Date.now()), message };
    this.events.emit('identity.rejected', { generation: this.#generation, message });
  }

  stats(): IdentityStats {
    const { certificate } = this.#loaded;
    return {
      generation: this.#generation,
      ...(certificate && {
        ...described(certificate),
        subjectAltNames: alternativeNames(certificate),
        issuer: oneLine(certificate.issuer),
        notBefore: isoTime(Date.parse(certificate.validFrom)),
        daysLeft: daysLeft(certificate),
      }),
      lastRotation: this.#lastRotation,
      lastRejection: this.#lastRejection,
    };
  }

  /**
   * The material for `tls.Server.setSecureContext`. Without session tickets: a resumed session would keep the identity
   * that was in force before.
   */
  serverMaterial() {
    const { ca, ...rest } = this.#loaded.material;
    return { ...rest, ...(ca && { ca: [...ca] }), secureOptions: constants.SSL_OP_NO_TICKET };
  }

  /** Stops watching the files. The material in force stays in force. */
  close(): void {
    clearTimeout(this.#again);
    this.#watch?.close();
    this.#expiry.close();
  }
}

/** Reads until two reads agree, six times at most: files may be replaced between one read and the next. */
function readSettled(options: MaterialOptions): Material {
  let material = readMaterial(options);
  for (let tries = 0; tries < 5; tries++) {
    const again = readMaterial(options);
    if (isDeepStrictEqual(again, material)) break;
    material = again;
  }
  return material;
}

function described(certificate: X509Certificate) {
  return { subject: oneLine(certificate.subject), notAfter: notAfter(certificate) };
}
