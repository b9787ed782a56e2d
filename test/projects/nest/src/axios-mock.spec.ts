import axios from 'axios';
import { createBilling } from './billing.service';

jest.mock('axios');

it('can be loaded beside a mocked axios, and says why a client cannot be made of it', async () => {
  jest.mocked(axios.get).mockResolvedValue({ data: 1 });
  expect(await axios.get('http://billing.test')).toEqual({ data: 1 });
  expect(() => createBilling('http://billing.test')).toThrow(/jest\.mock\("axios"\).*createTestClient/);
});
