/** `pillion explain`: prints the options in force for one client, and where each comes from. */

import { dotted } from '../options/options.js';
import { leavesOf, maskedConfig } from '../registry/diff.js';
import type { Position } from '../registry/file/document.js';
import type { ParsedClients } from '../registry/file/named-clients.js';
import { referencesIn } from '../registry/file/references.js';
import { argumentsOf, type Command } from './command.js';
import { loadClient } from './one-client.js';

export const explain: Command = {
  operands: 'FILE NAME',
  summary: 'print the options in force for one client, and where each comes from',
  options: ['--json         print them as JSON'],
  run(args, { out, env }) {
    const { flags, operands } = argumentsOf(args, ['json'], { least: 2, most: 2 });
    const [file = '', name = ''] = operands;
    const { config, parsed } = loadClient(file, name, { env });
    const rows = leavesOf(config)
      .filter(({ path }) => path[0] !== 'name')
      .map(({ path, value }) => row(parsed, name, path, value, file));
    out(flags.has('json') ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
    return 0;
  },
};

interface Row {
  readonly path: string;
  /** The value in force, maskedConfig if it is secret; durations are in milliseconds. */
  readonly value: unknown;
  readonly from: 'client' | 'defaults' | 'built in';
  /** The position in the file, as `file:line:column`; absent for a built-in default. */
  readonly at?: string;
  /** The text in the file; for a maskedConfig value only its references, because the text around them may be secret. */
  readonly reference?: string;
}

function row(parsed: ParsedClients, name: string, path: readonly string[], value: unknown, file: string): Row {
  const said = parsed.says(name, path);
  const shown = maskedConfig(path, value, (at, inner) => parsed.isSecret(name, at, inner));
  if (said === undefined) return { path: dotted(path), value: shown, from: 'built in' };
  const { line, column } = parsed.positionOf(parsed.originOf(name, path)) as Position;
  const reference = parsed.referenceOf(name, path)?.text;
  return {
    path: dotted(path),
    value: shown,
    from: said === 'clients' ? 'client' : 'defaults',
    at: `${file}:${line}:${column}`,
    ...(reference && { reference: shown === value ? reference : referencesIn(reference) }),
  };
}

function table(rows: readonly Row[]): string {
  const cells = rows.map(({ path, value, from, at, reference }) => [
    path,
    JSON.stringify(value),
    [from, at, reference].filter(Boolean).join(' '),
  ]);
  const widths = [0, 1].map((column) => Math.min(60, Math.max(...cells.map((row) => row[column]?.length ?? 0))));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n\nDurations are in milliseconds.\n`;
}
