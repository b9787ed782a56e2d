/** A service as an ES module. */
import { AxiosError } from 'axios';
import { createHttpClient } from 'pillion';

export const createClient = (baseURL) => createHttpClient({ name: 'billing', baseURL, logging: false });

/** Undefined where there is no such invoice. */
export async function totalOf(client, id) {
  try {
    return (await client.get(`/invoices/${id}`)).data.total;
  } catch (error) {
    if (error instanceof AxiosError && error.status === 404) return undefined;
    throw error;
  }
}
