/** `pillion schema`: prints the JSON Schema with which editors complete and check configuration files. */

import { configJsonSchema } from '../client/config/config.js';
import { clientsJsonSchema } from '../registry/file/json-schema.js';
import { argumentsOf, type Command } from './command.js';

export const schema: Command = {
  operands: '',
  summary: 'print the JSON Schema of a configuration file',
  options: ['--client       print the schema of one client instead, for the options of createHttpClient'],
  run(args, { out }) {
    const { flags } = argumentsOf(args, ['client'], { least: 0, most: 0 });
    out(`${JSON.stringify(flags.has('client') ? configJsonSchema() : clientsJsonSchema(), null, 2)}\n`);
    return 0;
  },
};
