/** Progress events as axios emits them, at most three a second and one at the end. */
import type { AxiosProgressEvent } from 'axios';
import { harmless } from './harmless.js';

export interface Progress {
  /** Reports how many bytes were transferred so far. */
  moved(loaded: number): void;
  /** Reports that everything was transferred, in a last event. */
  end(): void;
}

const interval = 1000 / 3;
/** Milliseconds; a rate over a shorter time would be noise. */
const shortest = 250;

/** Reports the progress of a transfer of `length` bytes (NaN: unknown) to a listener; undefined where there is none. */
export function progressOf(
  listener: ((event: AxiosProgressEvent) => void) | undefined,
  direction: 'upload' | 'download',
  length: number,
): Progress | undefined {
  if (typeof listener !== 'function') return undefined;
  const total = Number.isFinite(length) ? length : undefined;
  const startedAt = performance.now();
  let toldAt = Number.NEGATIVE_INFINITY;
  let told = 0;
  let latest = 0;
  const tell = () => {
    toldAt = performance.now();
    const event = eventOf(latest, latest - told, total, toldAt - startedAt, direction);
    told = latest;
    // Called outside of the transfer: an exception in the listener neither fails the transfer nor ends the process.
    process.nextTick(() => harmless(() => listener(event)));
  };
  return {
    moved: (loaded) => {
      latest = total === undefined ? loaded : Math.min(loaded, total);
      if (performance.now() - toldAt >= interval) tell();
    },
    end: () => {
      if (latest > told) tell();
    },
  };
}

function eventOf(
  loaded: number,
  bytes: number,
  total: number | undefined,
  elapsed: number,
  direction: 'upload' | 'download',
): AxiosProgressEvent {
  const rate = elapsed < shortest ? undefined : Math.round((loaded * 1000) / elapsed) || undefined;
  return {
    loaded,
    total,
    progress: total ? loaded / total : undefined,
    bytes,
    rate,
    estimated: rate && total ? (total - loaded) / rate : undefined,
    event: { loaded, total, lengthComputable: total !== undefined },
    lengthComputable: total !== undefined,
    [direction]: true,
  } as AxiosProgressEvent;
}
