#!/usr/bin/env node
/** The command line: prints the JSON Schema of a configuration. */
import { configJsonSchema } from './config/schema.js';
import { version } from './version.js';

const usage = `pillion ${version}

Usage: pillion <command>

  schema     print the JSON Schema of a client's configuration
  --version  print the version
  --help     print this text
`;

const [command] = process.argv.slice(2);
switch (command) {
  case 'schema':
    process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    break;
  case '--version':
    process.stdout.write(`${version}\n`);
    break;
  case undefined:
  case '--help':
    process.stdout.write(usage);
    break;
  default:
    process.stderr.write(`pillion: unknown command "${command}"\n\n${usage}`);
    process.exitCode = 2;
}
