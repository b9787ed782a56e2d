/** Counts the attempts of calls. */
import { callOfRecorded, type RecordedRequest } from '../mock/recorded.js';

/** For each call that a request of `found` belongs to, the number of its attempts in `all`. */
export function attemptsOfCalls(all: readonly RecordedRequest[], found: readonly RecordedRequest[]): number[] {
  const calls = new Set(found.map(callOfRecorded));
  return [...calls].map((call) => all.filter((each) => callOfRecorded(each) === call).length);
}
