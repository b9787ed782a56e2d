/** What is asked of the upstream, the same for every variant. */

/** 100 bytes as JSON. */
export const answer = {
  id: 'INV-2026-0001',
  customer: 'C-4711',
  currency: 'EUR',
  total: 129900,
  paid: true,
  lines: 12,
};

/** 1 KiB as JSON. */
const order = { customer: 'C-4711', note: 'x'.repeat(990) };

export const cases = [
  { name: 'GET', title: 'GET, 100 bytes of JSON back', request: { method: 'GET', url: '/invoices/1' } },
  {
    name: 'POST',
    title: 'POST, 1 KiB of JSON there and 100 bytes back',
    request: { method: 'POST', url: '/invoices', data: order },
  },
];
