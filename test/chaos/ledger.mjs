/** What went wrong, counted and told by the call it happened to. */

/** Each has to stay at zero. */
export const kinds = {
  lost: 'reported as a success, though bytes of an answer or a request are missing or wrong',
  doubled: 'a POST without a key that the server was given twice',
  crossed: "an answer, bytes or an async context of another call's",
  hanging: 'not settled long after its deadline',
  uncaught: 'exceptions, rejections and warnings that nobody caught',
  leaked: 'sockets, descriptors, timers, listeners, places or heap left when all is closed',
  failed: 'calls to a server that is well, failed without a reason',
  strange: 'errors of a kind, or with a code, that is not promised',
};

export class Ledger {
  counts = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, 0]));
  /** How calls ended, for whoever reads the report. */
  outcomes = new Map();
  calls = 0;
  #groups = new Map();

  /** `call` is undefined where what happened belongs to none. */
  count(kind, call, detail) {
    this.counts[kind]++;
    const where = call === undefined ? 'no call' : call.kind;
    const key = `${kind}\n${call?.lane}\n${String(detail).replace(/n[\da-f]{7}|\d+/g, '#')}`;
    const group = this.#groups.get(key) ?? { kind, detail, count: 0, where: new Map(), first: call?.plan };
    group.count++;
    group.where.set(where, (group.where.get(where) ?? 0) + 1);
    this.#groups.set(key, group);
  }

  ended(outcome) {
    this.calls++;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** What happened to calls of one kind together, the most frequent first. */
  get failures() {
    return [...this.#groups.values()].sort((one, other) => other.count - one.count);
  }

  get total() {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }
}
