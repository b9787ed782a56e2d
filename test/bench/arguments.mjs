/** Options of a command line, or one line about what is wrong with them. */
import { parseArgs } from 'node:util';

class UsageError extends Error {}

export function positive(name, text, { whole = true } = {}) {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value) && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(`--${name} has to be a ${whole ? 'whole ' : ''}number above 0, not "${text}".`);
}

/** Some of the known names, in their order; all where nothing is said. */
export function selection(name, text, known) {
  if (text === undefined) return known;
  const names = text.split(',').filter((one) => one !== '');
  if (names.length > 0 && names.every((one) => known.includes(one))) return known.filter((one) => names.includes(one));
  throw new UsageError(`--${name} takes some of ${known.join(', ')}, with commas between; not "${text}".`);
}

/** What `read` makes of the options; ends the process with code 2 where they cannot be understood. */
export function readArguments(options, read) {
  try {
    return read(parseArgs({ options }).values);
  } catch (error) {
    if (!(error instanceof UsageError) && !error.code?.startsWith('ERR_PARSE_ARGS')) throw error;
    console.error(error.message);
    return process.exit(2);
  }
}
