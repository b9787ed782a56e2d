/** A service in CommonJS. */
const { AxiosError } = require('axios');
const { createHttpClient } = require('pillion');

const createClient = (baseURL) => createHttpClient({ name: 'billing', baseURL, logging: false });

/** Undefined where there is no such invoice. */
async function totalOf(client, id) {
  try {
    return (await client.get(`/invoices/${id}`)).data.total;
  } catch (error) {
    if (error instanceof AxiosError && error.status === 404) return undefined;
    throw error;
  }
}

module.exports = { createClient, totalOf };
