/** `pillion check`: reports the errors and likely mistakes of configuration files before they are rolled out. */

import { type ConfigFault, spelled } from '../registry/file/config-faults.js';
import { readText } from '../registry/source.js';
import { type CheckResult, checkText } from './checks/configuration.js';
import { argumentsOf, type Command, type Terminal, UsageError } from './command.js';

export const check: Command = {
  operands: 'FILE...',
  summary: 'check configuration files for errors and likely mistakes; exit code 1 on an error',
  options: [
    '--strict       exit code 1 on a warning too',
    '--json         print the result as JSON',
    '--github       print annotations for GitHub Actions',
    '--no-env       accept environment variables that are not set here',
    '--no-files     do not read certificates, keys and the files that references name',
  ],
  run(args, terminal) {
    const { flags, operands } = argumentsOf(args, known, { least: 1, most: Number.POSITIVE_INFINITY });
    if (flags.has('json') && flags.has('github')) throw new UsageError('--json and --github exclude each other');
    const surroundings = { env: terminal.env, withoutEnv: flags.has('no-env'), files: !flags.has('no-files') };
    const results = operands.map((file) => ({ file, ...checkFile(file, surroundings) }));
    const failed = results.some(
      ({ errors, warnings }) => errors.length > 0 || (flags.has('strict') && warnings.length > 0),
    );
    if (flags.has('json')) terminal.out(`${JSON.stringify({ ok: !failed, files: results }, null, 2)}\n`);
    else for (const result of results) (flags.has('github') ? printAnnotations : printText)(result, terminal);
    return failed ? 1 : 0;
  },
};

const known = ['strict', 'json', 'github', 'no-env', 'no-files'];

function checkFile(file: string, surroundings: Parameters<typeof checkText>[2]): CheckResult {
  try {
    return checkText(readText(file), file, surroundings);
  } catch (error) {
    return { errors: [{ file, path: '', message: (error as Error).message }], warnings: [], clients: [] };
  }
}

type FileResult = CheckResult & { file: string };

function printText({ file, errors, warnings, clients }: FileResult, { out }: Terminal): void {
  for (const error of errors) out(`${spelled(error)}\n`);
  for (const warning of warnings) out(`${spelled({ ...warning, message: `warning: ${warning.message}` })}\n`);
  const counts = [
    ...(errors.length > 0 ? [counted(errors.length, 'error')] : []),
    ...(warnings.length > 0 ? [counted(warnings.length, 'warning')] : []),
  ];
  out(
    `${file}: ${counts.length > 0 ? counts.join(', ') : `${counted(clients.length, 'client')}, no problems found`}\n`,
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function printAnnotations({ errors, warnings }: FileResult, { out }: Terminal): void {
  for (const error of errors) out(annotation('error', error));
  for (const warning of warnings) out(annotation('warning', warning));
}

/** One GitHub Actions workflow command; characters of its syntax are percent-encoded, as GitHub requires. */
function annotation(level: string, { file, line, column, path, message }: ConfigFault): string {
  const place = line === undefined ? '' : `,line=${line},col=${column}`;
  return `::${level} file=${escaped(file, /[%\r\n:,]/g)}${place},title=pillion::${escaped(`${path} ${message}`.trim(), /[%\r\n]/g)}\n`;
}

function escaped(text: string, characters: RegExp): string {
  return text.replace(characters, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
