/** `pillion import-envoy`: makes a configuration file of clients from an Envoy bootstrap. */

import { PillionError } from '../call/errors.js';
import { importEnvoy } from '../envoy/import.js';
import { formatReport } from '../envoy/report.js';
import { argumentsOf, type Command, CommandError } from './command.js';
import { read } from './one-client.js';

export const importEnvoyCommand: Command = {
  operands: 'ENVOY.yaml [NAME…]',
  summary: "print a configuration file made from Envoy's configuration; the report goes to stderr",
  options: [
    '--strict       exit code 1 if something was not mapped',
    '--json         print the configuration and the report as JSON',
    '',
    'ENVOY.yaml is a bootstrap (YAML or JSON), what /config_dump of a running Envoy shows, or a ConfigMap that holds one.',
    'With NAMEs only these clients are printed, such as those that the service calls out of a large dump.',
    'Exit codes: 0, each cluster and route became a client or is reported as not mapped; 1, the report has errors, and no',
    'client was made of those parts, or the file is none of these; 2, wrong use; 3, no client was made at all.',
  ],
  run(args, { out, err }) {
    const { flags, operands } = argumentsOf(args, ['strict', 'json'], { least: 1, most: Number.POSITIVE_INFINITY });
    const [file = '', ...names] = operands;
    const { config, yaml, report } = imported(read(file), file, names);
    if (flags.has('json')) out(`${JSON.stringify({ config, report }, null, 2)}\n`);
    else {
      out(yaml);
      err(formatReport(report, file));
    }
    if (Object.keys(config.clients).length === 0) return 3;
    if (report.some(({ status }) => status === 'error')) return 1;
    return flags.has('strict') && report.some(({ status }) => status === 'unmapped') ? 1 : 0;
  },
};

function imported(text: string, file: string, names: readonly string[]) {
  try {
    return importEnvoy(text, file, names.length > 0 ? names : undefined);
  } catch (error) {
    throw error instanceof PillionError ? new CommandError(error.message) : error;
  }
}
