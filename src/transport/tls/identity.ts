/** A rotating identity: material in generations, replaced when its files change and the new ones are good. */
import { constants, type X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Events, type IdentityEvents } from '../../call/events.js';
import { daysLeft, ExpiryWatch } from './expiry.js';
import {
  alternativeNames,
  checkMaterial,
  isoTime,
  type Loaded,
  type Material,
  type MaterialOptions,
  notAfter,
  oneLine,
  pathsOf,
  readMaterial,
  startsAt,
} from './material.js';
import { FileWatch } from './watch.js';

/** What an identity tells of itself. */
export interface IdentityStats {
  /** 1 at first; one more with each rotation. */
  generation: number;
  /** Of the certificate in force, empty where it names no subject; absent where there is none but authorities. */
  subject?: string;
  /** DNS names and URIs, with their kind. */
  subjectAltNames?: string[];
  /** The authority that signed it. */
  issuer?: string;
  /** ISO 8601. */
  notBefore?: string;
  /** ISO 8601. */
  notAfter?: string;
  /** To show it: to one place, rounded down; negative once it has expired. Whether it has is told by `notAfter`. */
  daysLeft?: number;
  /** ISO 8601; null where there was none yet. */
  lastRotation: string | null;
  /** Why changed material was refused last, and when (ISO 8601). */
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
  /** What was refused last, so that it is told once. */
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

  /** Milliseconds that calls in flight have to finish on the connections of a generation before. */
  get drainTimeout(): number {
    return this.#options.reload === false ? standardDrain : this.#options.reload.drainTimeout;
  }

  /** Calls back whenever new material is in force; the function returned ends that. */
  onRotation(listener: () => void): () => void {
    return this.events.on('identity.rotated', listener);
  }

  /** Reads the files now. True where new material came in force. Never throws: what cannot be used is refused with an event. */
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
    // Time alone makes this one good: no change of the files will tell.
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

  /** For `tls.Server.setSecureContext`. No session ticket: a resumed session would carry what was in force before. */
  serverMaterial() {
    const { ca, ...rest } = this.#loaded.material;
    return { ...rest, ...(ca && { ca: [...ca] }), secureOptions: constants.SSL_OP_NO_TICKET };
  }

  /** Stops watching. What is in force stays in force. */
  close(): void {
    clearTimeout(this.#again);
    this.#watch?.close();
    this.#expiry.close();
  }
}

/** Read twice until both are the same: between one file and the next they may have been replaced. */
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
