/** A service that is given its client. */
import { AxiosError } from 'axios';
import { createHttpClient, type HttpClient } from 'pillion';

export class BillingService {
  constructor(private readonly client: HttpClient) {}

  /** Undefined where there is no such invoice. */
  async total(id: string): Promise<number | undefined> {
    try {
      const { data } = await this.client.get<{ total: number }>(`/invoices/${id}`);
      return data.total;
    } catch (error) {
      if (error instanceof AxiosError && error.status === 404) return undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

export function createBilling(baseURL: string): BillingService {
  return new BillingService(createHttpClient({ name: 'billing', baseURL, logging: false }));
}
