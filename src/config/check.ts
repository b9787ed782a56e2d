/** Everything that can be said of a configuration without running it: what a service would refuse, and what is likely a mistake. */
import type { OptionFault } from '../options.js';
import { daysLeft, expiryOf, validityOf } from '../transport/expiry.js';
import { checkMaterial, faultOfMaterial, notAfter, readMaterial } from '../transport/material.js';
import { partsOf } from '../transport/tls.js';
import { type ConfigFault, inOrder, type NamedClient, ParsedClients } from './clients.js';
import { ConfigDocument } from './document.js';
import type { Surroundings } from './references.js';
import { warningsOf } from './rules.js';

export interface CheckResult {
  readonly errors: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
  /** Names of the clients in the file. */
  readonly clients: readonly string[];
}

/** By the same code that reads the configuration of a service. */
export function checkText(text: string, file: string, surroundings: Surroundings): CheckResult {
  const parsed = new ParsedClients(new ConfigDocument(text), file, surroundings);
  const warnings: ConfigFault[] = [];
  for (const client of parsed.clients) {
    const found = surroundings.files === false ? nothing : materialFaults(client);
    for (const error of found.errors) parsed.fault(client.name, error);
    for (const warning of [...warningsOf(client.config), ...found.warnings])
      warnings.push(parsed.located(client.name, warning));
  }
  return {
    errors: parsed.faults,
    warnings: inOrder(unique(warnings)),
    clients: parsed.names,
  };
}

interface MaterialFaults {
  readonly errors: readonly OptionFault[];
  readonly warnings: readonly OptionFault[];
}

const nothing: MaterialFaults = { errors: [], warnings: [] };

/** Certificates and keys, read as the client would. */
function materialFaults({ config: { tls } }: NamedClient): MaterialFaults {
  const material = tls && partsOf(tls).material;
  if (material === undefined) return nothing;
  const { cert, key, pfx, ca } = material;
  // Each on its own, so that every file which cannot be read is told.
  const authorities = [ca ?? []].flat().map((each) => ({ ca: each }));
  const unreadable = [{ cert }, { key }, { pfx }, ...authorities].flatMap((one) => failure(() => readMaterial(one)));
  if (unreadable.length > 0) return { errors: unreadable, warnings: [] };
  const warnings: OptionFault[] = [];
  const errors = failure(() => {
    const { certificate } = checkMaterial(material, readMaterial(material));
    if (certificate === undefined || expiryOf(validityOf(certificate)) === 'valid') return;
    const message = `expires in ${daysLeft(certificate)} days, on ${notAfter(certificate)}`;
    warnings.push({ path: ['tls', cert === undefined ? 'pfx' : 'cert'], message });
  });
  return { errors, warnings };
}

function failure(work: () => unknown): OptionFault[] {
  try {
    work();
    return [];
  } catch (error) {
    return [faultOfMaterial(error)];
  }
}

function unique(faults: readonly ConfigFault[]): ConfigFault[] {
  return [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()];
}
