/** Where ours is not axios's http adapter: gathered from the cases that show it. */
import { differencesOf } from './case.js';
import { everything } from './cases/index.js';

export interface ShownDifference {
  readonly reason: string;
  /** The cases that show it. */
  readonly cases: readonly string[];
}

export function differences(): ShownDifference[] {
  const byReason = new Map<string, string[]>();
  for (const [subject, cases] of Object.entries(everything))
    for (const each of cases)
      for (const { reason } of differencesOf(each))
        byReason.set(reason, [...(byReason.get(reason) ?? []), `${subject}: ${each.name}`]);
  return [...byReason].map(([reason, cases]) => ({ reason, cases }));
}
