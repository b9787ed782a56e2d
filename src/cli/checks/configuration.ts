/**
 * Checks a configuration without running it: errors for which a service would refuse it, and warnings about likely
 * mistakes.
 */
import type { OptionFault } from '../../options/options.js';
import { type ConfigFault, inOrder } from '../../registry/file/config-faults.js';
import { ConfigDocument } from '../../registry/file/document.js';
import { ParsedClients } from '../../registry/file/named-clients.js';
import type { Surroundings } from '../../registry/file/references.js';
import type { WellPart } from '../../registry/file/well.js';
import { notAfter } from '../../transport/tls/certificate.js';
import { daysLeft, expiryOf, validityOf } from '../../transport/tls/expiry.js';
import { checkMaterial, readMaterial } from '../../transport/tls/material.js';
import { partsOf } from '../../transport/tls/tls.js';
import { warningsOf } from './rules.js';

export interface CheckResult {
  readonly errors: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
  /** Names of the clients in the file. */
  readonly clients: readonly string[];
}

/** Uses the same parser as `loadHttpClients`, so that the check and the service agree. */
export function checkText(text: string, file: string, surroundings: Surroundings): CheckResult {
  const parsed = new ParsedClients(new ConfigDocument(text), file, surroundings);
  const warnings: ConfigFault[] = [];
  if (surroundings.files !== false) parsed.readMaterial();
  for (const { name, ...client } of parsed.examined) {
    const part = client.part();
    if (part === undefined) continue;
    const expiring = surroundings.files === false ? [] : expiryWarnings(part.config);
    for (const warning of [...warningsOf(part.config, part.without), ...expiring])
      warnings.push(parsed.located(name, warning));
  }
  return {
    errors: parsed.faults,
    warnings: inOrder(unique(warnings)),
    clients: parsed.names,
  };
}

/** Only for a certificate that can be used; `ParsedClients.readMaterial` reports the others as errors. */
function expiryWarnings({ tls }: WellPart['config']): OptionFault[] {
  const material = tls && partsOf(tls).material;
  if (material === undefined) return [];
  try {
    const { certificate } = checkMaterial(material, readMaterial(material));
    if (certificate === undefined || expiryOf(validityOf(certificate)) === 'valid') return [];
    const message = `expires in ${daysLeft(certificate)} days, on ${notAfter(certificate)}`;
    return [{ path: ['tls', material.cert === undefined ? 'pfx' : 'cert'], message }];
  } catch {
    return [];
  }
}

function unique(faults: readonly ConfigFault[]): ConfigFault[] {
  return [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()];
}
