/** The clients of the service, from the file that took the place of the sidecar's. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HttpClients, type Logger, loadHttpClients } from 'pillion';
import type { Certificates } from './certificates.js';

/** The same file from the sources and from what is built of them. */
export const file = fileURLToPath(new URL('../../examples/billing/clients.yaml', import.meta.url));

export function openClients(url: string, { ca }: Certificates, logger: Logger): HttpClients {
  return loadHttpClients(file, { env: { BILLING_URL: url, CERTS: dirname(ca) }, logger });
}
