/** What changed in a client in the last hour, in the words of its log lines. Bounded. */
import { shortText } from '../call/redact.js';
import type { Transition } from '../policies/telemetry/transitions.js';
import { wallTime } from './wall-time.js';

export type ChangeKind = 'circuit' | 'endpoint' | 'config' | 'certificate' | 'forced' | 'lookup';

/** One thing that changed. */
export interface Change {
  readonly at: number;
  readonly kind: ChangeKind;
  readonly level: Transition['level'];
  /** The sentence of the log line, at most 300 characters. */
  readonly message: string;
  readonly destination?: string;
}

const maxChanges = 50;
const hour = 3_600_000;

/** Kinds by the event's name, else by the first word of it. */
const kinds: Readonly<Record<string, ChangeKind>> = {
  'circuit.forced': 'forced',
  'endpoints.changed': 'endpoint',
  circuit: 'circuit',
  endpoint: 'endpoint',
  endpoints: 'lookup',
  config: 'config',
  identity: 'certificate',
};

function kindOf(event: string): ChangeKind {
  return kinds[event] ?? kinds[event.split('.', 1)[0] as string] ?? 'config';
}

/** The changes of one client, of which the latest are kept. */
export class Changes {
  readonly #all: (Change & { readonly at: number })[] = [];

  add({ event, level, message, destination }: Transition): void {
    const told = destination !== undefined && { destination: shortText(destination, 260) };
    const change = { at: performance.now(), kind: kindOf(event), level, message: shortText(message, 300), ...told };
    if (this.#all.push(change) > maxChanges) this.#drop();
  }

  /** Drops the oldest of the most frequent kind: a circuit that opens again and again leaves the configuration before it in sight. */
  #drop(): void {
    const counts = new Map<ChangeKind, number>();
    for (const { kind } of this.#all) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const most = Math.max(...counts.values());
    this.#all.splice(
      this.#all.findIndex(({ kind }) => counts.get(kind) === most),
      1,
    );
  }

  /** Those of the last hour, the newest first. */
  shown(): readonly Change[] {
    const since = performance.now() - hour;
    const recent = this.#all.filter(({ at }) => at > since).reverse();
    return recent.map((change) => ({ ...change, at: wallTime(change.at) }));
  }
}
