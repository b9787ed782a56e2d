/** The shop's calls to billing, with axios. */
import axios from 'axios';

const billing = axios.create({ baseURL: process.env.BILLING_URL ?? 'http://billing.internal' });

export async function charge(order: string): Promise<void> {
  await billing.post('/charges', { order, amount: 42 }, { headers: { 'Idempotency-Key': order } });
}
