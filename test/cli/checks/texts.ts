/** Files of clients as texts, and what is said of them. */
import { type ConfigFault, spelled } from '../../../src/registry/file/config-faults.js';

/** Texts as they stand in a file, written with the indentation of the code around them. */
export function yaml(strings: TemplateStringsArray, ...values: readonly string[]): string {
  const [first = '', ...lines] = String.raw({ raw: strings }, ...values).split('\n');
  if (first !== '') throw new Error('Begin on a line of its own.');
  const indent = /^ */.exec(lines[0] ?? '')?.[0] ?? '';
  return lines.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line.trimStart())).join('\n');
}

/** As the command line prints them, without the name of the file. */
export function spelledOut(faults: readonly ConfigFault[]): string[] {
  return faults.map((fault) => spelled(fault).slice(fault.file.length + 1));
}
