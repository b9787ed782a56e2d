/** The run in words. */
import { kinds } from './ledger.mjs';

export function report({ seed, ledger, season, grown, crashed = 0 }) {
  const perSecond = Math.round((season.calls / season.took) * 1000);
  const { reloads, rotations, restarts, closed } = season.weather;
  const lines = [
    `chaos, seed ${seed}, Node ${process.version}`,
    `${season.calls} calls in ${(season.took / 1000).toFixed(1)} s, ${perSecond} a second; ${reloads} reloads, ${rotations} rotations, ${restarts} restarts, ${closed} clients closed; heap ${grown >= 0 ? '+' : ''}${(grown / 1024).toFixed(0)} KiB`,
    ...(crashed > 0 ? [`${crashed} crashes of the wild servers' process (Node's own memory); it was begun anew`] : []),
    '',
    ...Object.entries(kinds).map(
      ([kind, what]) => `${kind.padEnd(9)} ${String(ledger.counts[kind]).padStart(6)}   ${what}`,
    ),
    '',
    `ended: ${outcomes(ledger)}`,
  ];
  if (ledger.total > 0)
    lines.push(
      '',
      ...failures(ledger),
      '',
      `Run again with --seed ${seed}. The plan of each call follows from the seed; how the machine mixes them does not.`,
    );
  return lines.join('\n');
}

function outcomes({ outcomes: counted }) {
  const sorted = [...counted].sort(([, one], [, other]) => other - one);
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ');
}

/** Groups of one kind that are told. */
const shown = 6;

function* failures(ledger) {
  for (const kind of Object.keys(kinds)) {
    const groups = ledger.failures.filter((group) => group.kind === kind);
    yield* groups.slice(0, shown).flatMap((group) => [...lines(group)]);
    if (groups.length > shown) yield `and ${groups.length - shown} more groups that are ${kind}`;
  }
}

function* lines({ kind, where, detail, count, first }) {
  yield `${kind} x${count}: ${String(detail).replaceAll('\n', '\n    ')}`;
  for (const [name, times] of [...where].slice(0, 3)) yield `  x${times} ${name}`;
  if (where.size > 3) yield `  and ${where.size - 3} more kinds of calls`;
  if (first !== undefined) yield `  for example call ${first.index}: ${told(first)}`;
}

/** The plan, as short as it can be. */
function told({ abort, options, asked, upload, total, client, keyed }) {
  const { nonce, key, upload: _, ...rest } = asked;
  return JSON.stringify({
    client,
    total,
    keyed,
    upload,
    abort,
    options: Object.keys(options).filter((name) => options[name]),
    asked: rest,
  });
}
