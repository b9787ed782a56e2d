/** The shop's calls for prices, with undici. */
import { request } from 'undici';

const base = process.env.PRICES_URL ?? 'http://prices.internal';

export async function priceOf(article: string): Promise<void> {
  const { statusCode, body } = await request(`${base}/prices/${article}`);
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`prices: ${statusCode} ${text}`);
}
