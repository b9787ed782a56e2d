/** The shop: 60 orders, and for each one call with each of its five HTTP clients. Nothing here knows of pillion. */
import { charge } from './billing.js';
import { priceOf } from './prices.js';
import { ratingOf } from './ratings.js';
import { inStock } from './stock.js';
import { modelOf } from './texts.js';

const calls = { billing: charge, stock: inStock, ratings: ratingOf, prices: priceOf, texts: modelOf };
const failed: Record<string, number> = { billing: 0, stock: 0, ratings: 0, prices: 0, texts: 0 };

for (let order = 1; order <= 60; order++)
  await Promise.all(
    Object.entries(calls).map(([service, call]) =>
      call(`${order}`).catch(() => {
        failed[service] = (failed[service] ?? 0) + 1;
      }),
    ),
  );
console.log(JSON.stringify(failed));
