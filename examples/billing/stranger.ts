/** Proof that the API asks for a certificate: what a client without one gets. */
import { isAxiosError } from 'axios';
import { createHttpClient } from 'pillion';
import type { Certificates } from './certificates.js';

/** What the API's answer to a client without certificate is. */
export async function callAsStranger(baseURL: string, { ca }: Certificates): Promise<string> {
  const client = createHttpClient({ baseURL, tls: { ca, serverName: 'billing.internal' }, logging: false });
  try {
    const { status } = await client.get('/invoices/1');
    return `status ${status}`;
  } catch (error) {
    if (!isAxiosError(error)) throw error;
    return `${error.code} (attempts: ${client.stats().attempts})`;
  } finally {
    await client.close();
  }
}
