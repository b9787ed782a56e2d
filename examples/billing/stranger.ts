/** Proof that the API asks for a certificate: what a client without one gets. */
import { isAxiosError } from 'axios';
import { createHttpClient, type HttpClientConfig } from 'pillion';

/** What the API's answer to a client without certificate is. */
export async function callAsStranger(config: HttpClientConfig): Promise<string> {
  const { ca, serverName } = config.tls ?? {};
  const client = createHttpClient({ ...config, tls: { ca, serverName }, logging: false });
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
