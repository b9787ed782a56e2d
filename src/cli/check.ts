/** `pillion check`: every fault of configuration files, before they roll out. */

import { type ConfigFault, spelled } from '../registry/file/clients.js';
import { readText } from '../registry/source.js';
import { type CheckResult, checkText } from './checks/check.js';
import { argumentsOf, type Command, type Terminal, UsageError } from './command.js';

export const check: Command = {
  operands: 'FILE...',
  summary: 'find what is wrong with files of clients; exit code 1 where there is an error',
  options: [
    '--strict       warnings fail too',
    '--json         print the result as JSON',
    '--github       print annotations for GitHub Actions',
    '--no-env       environment variables need not be set here',
    '--no-files     certificates, keys and files of references are not read',
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
  out(`${file}: ${counts.length > 0 ? counts.join(', ') : `${counted(clients.length, 'client')}, no fault`}\n`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function printAnnotations({ errors, warnings }: FileResult, { out }: Terminal): void {
  for (const error of errors) out(annotation('error', error));
  for (const warning of warnings) out(annotation('warning', warning));
}

/** A workflow command; its own characters are escaped as GitHub asks. */
function annotation(level: string, { file, line, column, path, message }: ConfigFault): string {
  const place = line === undefined ? '' : `,line=${line},col=${column}`;
  return `::${level} file=${escaped(file, /[%\r\n:,]/g)}${place},title=pillion::${escaped(`${path} ${message}`.trim(), /[%\r\n]/g)}\n`;
}

function escaped(text: string, characters: RegExp): string {
  return text.replace(characters, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
