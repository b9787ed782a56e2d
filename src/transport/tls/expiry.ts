/** When a certificate expires, and when to warn of it. */
import type { X509Certificate } from 'node:crypto';

const hour = 3_600_000;
const day = 24 * hour;
/** A certificate is ending when this share of its life is left, but no earlier than `most` before its end. */
const share = 1 / 3;
const most = 14 * day;

/** The time for which a certificate is valid, in ISO 8601 or as X.509 has it. */
export interface Validity {
  readonly from: string | undefined;
  readonly to: string;
}

export function validityOf({ validFrom, validTo }: X509Certificate): Validity {
  return { from: validFrom, to: validTo };
}

/**
 * The days left, for display: to one decimal, rounded down, so that 0 may be two hours. Negative once it has expired.
 */
export function daysLeft({ validTo }: X509Certificate): number {
  return Math.floor(((Date.parse(validTo) - Date.now()) / day) * 10) / 10;
}

/**
 * `expired` once its end has passed; `ending` when a third of its life is left, 14 days at most, or `days` days where
 * that is given.
 */
export function expiryOf({ from, to }: Validity, days?: number): 'valid' | 'ending' | 'expired' {
  const end = Date.parse(to);
  const left = end - Date.now();
  if (left < 0) return 'expired';
  const life = from === undefined ? Number.POSITIVE_INFINITY : end - Date.parse(from);
  return left <= (days === undefined ? soon(life) : days * day) ? 'ending' : 'valid';
}

function soon(life: number): number {
  return Math.min(life * share, most);
}

/**
 * Calls back when the certificate is ending, when 7 days and 1 day are left, and when it has expired: once each, and
 * only for the latest where several are due.
 */
export class ExpiryWatch {
  readonly #warn: (certificate: X509Certificate) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(warn: (certificate: X509Certificate) => void) {
    this.#warn = warn;
  }

  /** Watches this certificate, and no longer the one before. */
  follow(certificate: X509Certificate | undefined): void {
    clearTimeout(this.#timer);
    if (certificate === undefined) return;
    const thresholds = thresholdsOf(certificate);
    // Not at once, so that the code which made the identity can add its listener first.
    this.#timer = setTimeout(() => this.#look(certificate, thresholds), 0).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #look(certificate: X509Certificate, thresholds: readonly number[]): void {
    const left = Date.parse(certificate.validTo) - Date.now();
    const ahead = thresholds.filter((threshold) => left > threshold);
    const [next] = ahead;
    // One of Node's timers holds no more than 24 days, and the clock may be set meanwhile.
    if (next !== undefined)
      this.#timer = setTimeout(() => this.#look(certificate, ahead), Math.min(left - next, hour)).unref();
    if (ahead.length < thresholds.length) this.#warn(certificate);
  }
}

function thresholdsOf({ validFrom, validTo }: X509Certificate): number[] {
  const first = soon(Date.parse(validTo) - Date.parse(validFrom));
  return [first, ...[7 * day, day].filter((threshold) => threshold < first), 0];
}
