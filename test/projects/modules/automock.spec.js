import { createHttpClient, ErrorCode } from 'pillion';
import { expect, it, vi } from 'vitest';
import { createClient, totalOf } from './billing.js';

vi.mock('pillion');

it('is mocked as a whole, but for what is no function', async () => {
  vi.mocked(createHttpClient).mockReturnValue({ get: async () => ({ data: { total: 7 } }) });
  expect(await totalOf(createClient('http://billing.test'), '42')).toBe(7);
  expect(ErrorCode.DEADLINE).toBe('ERR_DEADLINE');
});
