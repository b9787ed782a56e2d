/** The shop's calls to the stock, with got, which retries by itself. */
import got from 'got';

const stock = got.extend({
  prefixUrl: process.env.STOCK_URL ?? 'http://stock.internal',
  retry: { limit: 1, backoffLimit: 20 },
});

export async function inStock(article: string): Promise<void> {
  await stock(`articles/${article}`).json();
}
