/** Calls to an upstream that fails: what each is to meet there, sent through any form, and what came of it. */
import { chanceOf } from '../chaos/chance.mjs';

/** What the upstream does with the attempts of a call, in turns; its last word is for all that follow. How often: of 250. */
export const mishaps = [
  { method: 'GET', plan: '200', calls: 160 },
  { method: 'GET', plan: '503,200', calls: 24 },
  { method: 'GET', plan: '503', calls: 5 },
  { method: 'GET', plan: 'reset,200', calls: 16 },
  { method: 'GET', plan: 'reset', calls: 4 },
  { method: 'GET', plan: 'slow,200', calls: 8 },
  { method: 'GET', plan: 'slow', calls: 2 },
  { method: 'GET', plan: '404', calls: 8 },
  { method: 'PUT', plan: '503,200', calls: 8 },
  { method: 'POST', plan: '200', calls: 8 },
  { method: 'POST', plan: '503,200', calls: 5 },
  { method: 'POST', plan: 'reset,200', calls: 2 },
];

const callers = 10;

/** All calls, mixed in one order for every form. */
function mixed() {
  const all = mishaps.flatMap(({ method, plan, calls }) =>
    Array.from({ length: calls }, (_, index) => ({ method, plan, path: `/plan/${plan}/${method}-${index}` })),
  );
  const { below } = chanceOf(1);
  for (let index = all.length - 1; index > 0; index--) {
    const other = below(index + 1);
    [all[index], all[other]] = [all[other], all[index]];
  }
  return all;
}

/** By method and plan, the outcome of each call: a status, or the code of an error. `request` is that of an axios instance. */
export async function throughMishaps(request) {
  const waiting = mixed();
  const outcomes = {};
  const caller = async () => {
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) {
      const { method, plan, path } = call;
      const data = method === 'GET' ? undefined : { customer: 'C-4711' };
      const outcome = await request({ method, url: path, data, validateStatus: null }).then(
        ({ status }) => String(status),
        ({ code }) => code,
      );
      outcomes[`${method} ${plan}`] ??= [];
      outcomes[`${method} ${plan}`].push(outcome);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return outcomes;
}

/** `200 x5, 503 x1`, in order of the names. */
export function counted(outcomes) {
  const counts = {};
  for (const outcome of outcomes.toSorted()) counts[outcome] = (counts[outcome] ?? 0) + 1;
  const kinds = Object.entries(counts);
  return kinds.map(([outcome, times]) => (kinds.length === 1 ? outcome : `${outcome} x${times}`)).join(', ');
}
