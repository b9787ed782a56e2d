/** Which attempts belong to one call. */
import { callOfRecorded, type RecordedRequest } from '../mock/recorded.js';

/** For each call that one of `found` belongs to, how many of all requests do. */
export function attemptsOfCalls(all: readonly RecordedRequest[], found: readonly RecordedRequest[]): number[] {
  const calls = new Set(found.map(callOfRecorded));
  return [...calls].map((call) => all.filter((each) => callOfRecorded(each) === call).length);
}
