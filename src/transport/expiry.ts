/** Warns before a certificate expires. */
import type { X509Certificate } from 'node:crypto';

const day = 86_400_000;
const warnings = [14 * day, 7 * day, day, 0];

/** To one place; negative once it has expired. */
export function daysLeft({ validTo }: X509Certificate): number {
  return Math.floor(((Date.parse(validTo) - Date.now()) / day) * 10) / 10;
}

/** Calls back when 14, 7 and 1 days are left, and at the end: once each, and only the latest where several are due. */
export class ExpiryWatch {
  readonly #warn: (certificate: X509Certificate) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(warn: (certificate: X509Certificate) => void) {
    this.#warn = warn;
  }

  /** From now on this certificate, and no other. */
  follow(certificate: X509Certificate | undefined): void {
    clearTimeout(this.#timer);
    if (certificate === undefined) return;
    const thresholds = thresholdsOf(certificate);
    // Not at once: who made the identity shall be able to listen first.
    this.#timer = setTimeout(() => this.#look(certificate, thresholds), 0).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #look(certificate: X509Certificate, thresholds: readonly number[]): void {
    const left = Date.parse(certificate.validTo) - Date.now();
    const ahead = thresholds.filter((threshold) => left > threshold);
    const [next] = ahead;
    // A timer of Node's holds no more than 24 days.
    if (next !== undefined)
      this.#timer = setTimeout(() => this.#look(certificate, ahead), Math.min(left - next, day)).unref();
    if (ahead.length < thresholds.length) this.#warn(certificate);
  }
}

/** A certificate that never had that much time left would be warned of all its life; it is when a quarter is left. */
function thresholdsOf({ validFrom, validTo }: X509Certificate): number[] {
  const life = Date.parse(validTo) - Date.parse(validFrom);
  const fitting = warnings.filter((threshold) => threshold <= life * 0.75);
  return fitting.length > 1 ? fitting : [life / 4, 0];
}
