/** Calls the payment service by promises. */
import { HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { isAxiosError } from 'axios';

@Injectable()
export class PaymentsService {
  constructor(private readonly http: HttpService) {}

  /** The id of the payment, or `pending` where the service did not answer in time. */
  async pay(order: string, amount: number): Promise<string> {
    try {
      const form = new URLSearchParams({ order, amount: String(amount) });
      const { data } = await this.http.axiosRef.post<{ id: string }>('/payments', form);
      return data.id;
    } catch (error) {
      if (isAxiosError(error) && error.code === 'ECONNABORTED' && error.message.includes('timeout')) return 'pending';
      throw error;
    }
  }
}
