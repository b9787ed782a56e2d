/** The inventory service alone, with a fake in place of HttpService. */
import { AxiosError, AxiosHeaders, type AxiosResponse } from 'axios';
import { firstValueFrom, of, throwError } from 'rxjs';
import { InventoryService } from './inventory.service';

const responseOf = (status: number, data: unknown) =>
  ({ status, data, headers: {}, config: { headers: new AxiosHeaders() }, statusText: '' }) as AxiosResponse;

describe('InventoryService', () => {
  const http = { get: jest.fn() };
  const service = new InventoryService(http as never);

  it('asks for the item with its fields', async () => {
    http.get.mockReturnValueOnce(of(responseOf(200, { sku: 'a', stock: 1 })));
    expect(await firstValueFrom(service.find('a'))).toEqual({ sku: 'a', stock: 1 });
    expect(http.get).toHaveBeenCalledWith('/items/a', { params: { fields: 'sku,stock' } });
  });

  it('says which item is missing', async () => {
    const error = new AxiosError('missing', 'ERR_BAD_REQUEST', undefined, undefined, responseOf(404, {}));
    http.get.mockReturnValueOnce(throwError(() => error));
    await expect(firstValueFrom(service.find('a'))).rejects.toThrow('There is no item a.');
  });
});
