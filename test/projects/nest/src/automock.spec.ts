import { createHttpClient, ErrorCode, type HttpClient } from 'pillion';
import { createBilling } from './billing.service';

jest.mock('pillion');

it('is mocked as a whole, but for what is no function', async () => {
  const get = jest.fn().mockResolvedValue({ data: { total: 7 } });
  jest.mocked(createHttpClient).mockReturnValue({ get } as unknown as HttpClient);
  expect(await createBilling('http://billing.test').total('42')).toBe(7);
  expect(get).toHaveBeenCalledWith('/invoices/42');
  expect(ErrorCode.DEADLINE).toBe('ERR_DEADLINE');
});
