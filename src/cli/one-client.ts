/** Loads one client of a configuration file, for the commands that work on a single client. */

import { spelled } from '../registry/file/config-faults.js';
import { ConfigDocument } from '../registry/file/document.js';
import { type NamedClient, ParsedClients } from '../registry/file/named-clients.js';
import type { Surroundings } from '../registry/file/references.js';
import { readText } from '../registry/source.js';
import { CommandError } from './command.js';

/** @throws CommandError for a file with faults, and for a name that the file does not have */
export function loadClient(
  file: string,
  name: string,
  surroundings: Surroundings,
): NamedClient & { parsed: ParsedClients } {
  const parsed = new ParsedClients(new ConfigDocument(read(file)), file, surroundings);
  if (parsed.faults.length > 0) throw new CommandError(parsed.faults.map(spelled).join('\n'));
  const found = parsed.clients.find((client) => client.name === name);
  if (found !== undefined) return { ...found, parsed };
  const names = parsed.clients.map((client) => client.name).join(', ');
  throw new CommandError(`${file} has no client "${name}"; its clients are ${names}`);
}

/** @throws CommandError for a file that cannot be read */
export function read(file: string): string {
  try {
    return readText(file);
  } catch (error) {
    throw new CommandError(`${file} ${(error as Error).message}`);
  }
}
