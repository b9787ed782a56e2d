/** Business code: an axios instance by name, nothing about retries or sockets. */
import { Injectable } from '@nestjs/common';
import type { HttpClient } from 'pillion';
import { InjectHttpClient } from 'pillion/nestjs';

export interface Invoice {
  id: string;
  total: number;
}

@Injectable()
export class InvoicesService {
  constructor(@InjectHttpClient('billing') private readonly billing: HttpClient) {}

  async find(id: string): Promise<Invoice> {
    const { data } = await this.billing.get<Invoice>(`/invoices/${encodeURIComponent(id)}`, {
      routeName: '/invoices/{id}',
    });
    return data;
  }
}
