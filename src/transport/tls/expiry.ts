/** When a certificate ends, and when somebody should hear of it before. */
import type { X509Certificate } from 'node:crypto';

const hour = 3_600_000;
const day = 24 * hour;
/** What is left of its life is too little from then on, unless it lives long. */
const share = 1 / 3;
const most = 14 * day;

/** The time a certificate is for, in ISO 8601 or as X.509 has it. */
export interface Validity {
  readonly from: string | undefined;
  readonly to: string;
}

export function validityOf({ validFrom, validTo }: X509Certificate): Validity {
  return { from: validFrom, to: validTo };
}

/** To show it: to one place, rounded down, so that 0 may be two hours. Negative once it has expired. */
export function daysLeft({ validTo }: X509Certificate): number {
  return Math.floor(((Date.parse(validTo) - Date.now()) / day) * 10) / 10;
}

/** `expired` only once its end is past; `ending` when a third of its life is left, 14 days at most, or as many days as told. */
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
 * Calls back when the certificate is ending, when 7 and 1 days are left, and at the end: once each, and only the latest where
 * several are due.
 */
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
    // A timer of Node's holds no more than 24 days, and the clock may be set meanwhile.
    if (next !== undefined)
      this.#timer = setTimeout(() => this.#look(certificate, ahead), Math.min(left - next, hour)).unref();
    if (ahead.length < thresholds.length) this.#warn(certificate);
  }
}

function thresholdsOf({ validFrom, validTo }: X509Certificate): number[] {
  const first = soon(Date.parse(validTo) - Date.parse(validFrom));
  return [first, ...[7 * day, day].filter((threshold) => threshold < first), 0];
}
