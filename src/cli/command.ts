/** What a command is given and gives back. */
import { parseArgs } from 'node:util';

/** Where a command writes, and what it sees of the world. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Command {
  /** What stands behind the command's name in the usage. */
  readonly operands: string;
  readonly summary: string;
  /** One line for each option. */
  readonly options?: readonly string[];
  /** Gives the exit code. */
  run(args: string[], terminal: Terminal): number | Promise<number>;
}

/** Wrong use of the command line: its message and the usage are shown, the exit code is 2. */
export class UsageError extends Error {}

/** The flags given and the operands. @throws UsageError for an unknown flag, and for too few or too many operands */
export function argumentsOf(
  args: string[],
  known: readonly string[],
  { least, most }: { least: number; most: number },
): { flags: ReadonlySet<string>; operands: string[] } {
  const { values, positionals } = parsed(args, known);
  if (positionals.length < least) throw new UsageError('an operand is missing');
  if (positionals.length > most) throw new UsageError(`"${positionals[most]}" is one operand too many`);
  return { flags: new Set(Object.keys(values)), operands: positionals };
}

function parsed(args: string[], known: readonly string[]) {
  const options = Object.fromEntries(known.map((name) => [name, { type: 'boolean' as const }]));
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('.')[0]);
  }
}

/** A failure that a command tells in one line; the exit code is 1. */
export class CommandError extends Error {}
