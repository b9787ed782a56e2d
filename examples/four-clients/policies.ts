/** Puts every HTTP client of a process under clients.yaml: `node --import ./policies.js shop.js`. */
import { fileURLToPath } from 'node:url';
import { loadHttpClients } from 'pillion';
import { createDispatcher, installFetch, serveSidecar } from 'pillion/sidecar';
import { pino } from 'pino';
import { setGlobalDispatcher } from 'undici';

const file = fileURLToPath(new URL('../../examples/four-clients/clients.yaml', import.meta.url));
const clients = loadHttpClients(file, { logger: pino(pino.destination({ dest: 2, sync: true })) });

// axios and got send to the port of a listener, as they did to that of the sidecar. The shop is a job that ends by
// itself, so the listeners do not keep it alive; a server leaves `unref` out.
process.env.BILLING_URL = (await serveSidecar(clients.get('billing'), { unref: true })).url;
process.env.STOCK_URL = (await serveSidecar(clients.get('stock'), { unref: true })).url;
// fetch, undici and SDKs that use fetch keep their URLs.
installFetch(clients);
setGlobalDispatcher(createDispatcher(clients));
