/** What the API is made to do to its client. */
import type { Script } from './upstream.js';

/** What has happened in a phase so far. */
export interface Tally {
  readonly phase: Phase;
  calls: number;
  ok: number;
  attempts: number;
  retries: number;
  /** How many calls came to each status or error code. */
  readonly outcomes: Map<string, number>;
  /** Milliseconds of each call, as its caller saw it. */
  readonly durations: number[];
}

/** A stretch of the show: what the API does, and how the service calls it. */
export interface Phase {
  readonly name: string;
  readonly story: string;
  readonly script: Script;
  readonly callers: number;
  /** True once enough calls were begun. */
  enough(tally: Tally): boolean;
  /** What invoice `n` is asked for: a GET where nothing is said. */
  readonly post?: (invoice: number) => { idempotencyKey?: true };
  /** Milliseconds each caller waits between its calls. */
  readonly pause?: number;
}

const calls = (count: number) => (tally: Tally) => tally.calls >= count;
const everyNth = (n: number, behaviour: ReturnType<Script>): Script => {
  return (invoice, attempt) => (invoice % n === 0 && attempt === 1 ? behaviour : 'ok');
};

export const phases: readonly Phase[] = [
  { name: 'healthy', story: 'the API answers', script: () => 'ok', callers: 10, enough: calls(200) },
  { name: '503', story: 'every 5th GET meets a 503', script: everyNth(5, '503'), callers: 10, enough: calls(100) },
  {
    name: 'POST',
    story: 'every 4th POST meets a 503; only those with a key are repeated',
    script: everyNth(4, '503'),
    callers: 10,
    enough: calls(80),
    post: (invoice) => (invoice % 8 === 0 ? { idempotencyKey: true } : {}),
  },
  { name: 'reset', story: 'every 6th connection breaks', script: everyNth(6, 'reset'), callers: 10, enough: calls(60) },
  { name: '429', story: 'every 10th is told to wait 1 s', script: everyNth(10, '429'), callers: 10, enough: calls(40) },
  {
    name: 'slow body',
    story: 'one byte at a time; every 10th never ends',
    script: (invoice, attempt) => (invoice % 10 === 0 && attempt === 1 ? 'endless body' : 'slow body'),
    callers: 10,
    enough: calls(20),
  },
  {
    name: 'unlucky',
    story: 'one call meets a 503, a broken connection and a hang',
    script: (_, attempt) => (['503', 'reset', 'hang', 'ok'] as const)[attempt - 1] ?? 'ok',
    callers: 1,
    enough: calls(1),
    post: () => ({ idempotencyKey: true }),
  },
  {
    name: 'outage',
    story: 'nothing but 503: the circuit opens, calls end at once',
    script: () => '503',
    callers: 10,
    enough: calls(300),
    pause: 20,
  },
  {
    name: 'recovery',
    story: 'the API is back: a trial finds out, the circuit closes',
    script: () => 'ok',
    callers: 10,
    // The second condition only ends a show whose circuit stays open.
    enough: ({ ok, calls }) => ok >= 150 || calls >= 3000,
    pause: 20,
  },
];
