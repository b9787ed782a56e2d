#!/usr/bin/env node
/** The entry point of the command line: picks the command, prints usage and errors, sets the exit code. */
import { version } from '../call/version.js';
import { check } from './check.js';
import { type Command, CommandError, type Terminal, UsageError } from './command.js';
import { explain } from './explain.js';
import { importEnvoyCommand } from './import-envoy.js';
import { probe } from './probe.js';
import { schema } from './schema.js';

const commands = new Map<string, Command>(
  Object.entries({ check, explain, probe, 'import-envoy': importEnvoyCommand, schema }),
);

const terminal: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
};

function usage(): string {
  const lines = [...commands].map(
    ([name, { operands, summary }]) => `  ${`${name} ${operands}`.padEnd(26)} ${summary}`,
  );
  return [
    `pillion ${version}`,
    '',
    'Usage: pillion <command>',
    '',
    ...lines,
    `  ${'--version'.padEnd(26)} print the version`,
    `  ${'--help'.padEnd(26)} print this help; after a command, the help of that command`,
    '',
  ].join('\n');
}

function usageOf(name: string, { operands, summary, options = [] }: Command): string {
  const lines = options.map((line) => `  ${line}`);
  return [`Usage: pillion ${name} ${operands}`.trimEnd(), '', `  ${summary}`, '', ...lines, ''].join('\n');
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help') return say(usage());
  if (name === '--version') return say(`${version}\n`);
  const command = commands.get(name);
  if (command === undefined) return misused(`unknown command "${name}"`, usage());
  if (args.includes('--help')) return say(usageOf(name, command));
  try {
    return await command.run(args, terminal);
  } catch (error) {
    if (error instanceof UsageError) return misused(error.message, usageOf(name, command));
    if (!(error instanceof CommandError)) throw error;
    terminal.err(`${error.message}\n`);
    return 1;
  }
}

function say(text: string): number {
  terminal.out(text);
  return 0;
}

function misused(why: string, text: string): number {
  terminal.err(`pillion: ${why}\n\n${text}`);
  return 2;
}

// The reader of a pipe may close it early, as in `pillion check … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await main(process.argv.slice(2));
