/** The interface of a command, its errors, and the parsing of its arguments. */
import { parseArgs } from 'node:util';

/** The output streams and environment variables of a command; a test passes its own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Command {
  /** The operands as the usage shows them, such as `FILE NAME`. */
  readonly operands: string;
  readonly summary: string;
  /** One line of help for each option. */
  readonly options?: readonly string[];
  /** Returns the exit code. @throws UsageError, CommandError */
  run(args: string[], terminal: Terminal): number | Promise<number>;
}

/** Wrong use of the command line: its message and the usage are printed, the exit code is 2. */
export class UsageError extends Error {}

/** The given flags and operands. @throws UsageError for an unknown flag, and for too few or too many operands */
export function argumentsOf(
  args: string[],
  known: readonly string[],
  { least, most }: { least: number; most: number },
): { flags: ReadonlySet<string>; operands: string[] } {
  const { values, positionals } = parsed(args, known);
  if (positionals.length < least) throw new UsageError('an operand is missing');
  if (positionals.length > most) throw new UsageError(`too many operands: "${positionals[most]}" is not expected`);
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

/** A failure of a command: its message is printed without a stack, the exit code is 1. */
export class CommandError extends Error {}
