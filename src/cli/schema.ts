/** `pillion schema`: what editors complete and check configuration files by. */

import { configJsonSchema } from '../client/config/config.js';
import { clientsJsonSchema } from '../registry/file/json-schema.js';
import { argumentsOf, type Command } from './command.js';

export const schema: Command = {
  operands: '',
  summary: 'print the JSON Schema of a file of clients',
  options: ['--client       of the options of one client, as createHttpClient takes them'],
  run(args, { out }) {
    const { flags } = argumentsOf(args, ['client'], { least: 0, most: 0 });
    out(`${JSON.stringify(flags.has('client') ? configJsonSchema() : clientsJsonSchema(), null, 2)}\n`);
    return 0;
  },
};
