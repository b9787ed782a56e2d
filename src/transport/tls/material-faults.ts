/** Checks the certificates and keys that a configuration names, whatever other faults it has. */
import type { OptionFault } from '../../options/options.js';
import { checkMaterial, faultsOfMaterial, readMaterial } from './material.js';
import { partsOf, tlsOptions } from './tls.js';

/**
 * Reads the material that a tls section names, as the client would, and returns its faults. Options that are not text
 * are left to the schema, and so are those for which `isOpen` is true: their value is not known here.
 */
export function materialFaults(tls: unknown, isOpen: (option: string) => boolean = () => false): OptionFault[] {
  if (typeof tls !== 'object' || tls === null) return [];
  const given = Object.entries(tls).filter(([name]) => !isOpen(name));
  const sources = Object.fromEntries(
    given.filter(([name, value]) => names.has(name) && isSource(value, name === 'ca')),
  );
  try {
    const material = readMaterial(sources);
    const whole = tlsOptions.safeParse(tls);
    const options =
      whole.success && given.length === Object.keys(tls).length ? partsOf(whole.data).material : undefined;
    if (options !== undefined) checkMaterial(options, material);
    return [];
  } catch (error) {
    return faultsOfMaterial(error);
  }
}

const names = new Set(['cert', 'key', 'pfx', 'ca', 'passphrase']);

function isSource(value: unknown, several: boolean): boolean {
  if (Array.isArray(value)) return several && value.length > 0 && value.every((each) => isSource(each, false));
  return typeof value === 'string' && value !== '';
}
