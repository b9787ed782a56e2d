/** One client whose connections last for one request each, in a process of its own: calls per second, and how many were resumed. */
import { readFileSync } from 'node:fs';
import { Agent as HttpsAgent } from 'node:https';
import axios from 'axios';
import { createHttpClient } from 'pillion';
import { Agent, request as undiciRequest } from 'undici';
import { closedLoop, measured } from './load.mjs';
import { nothing } from './pillion-variants.mjs';

const { variant, port, tls, seconds } = JSON.parse(process.argv[2]);
const url = `https://localhost:${port}/`;
const identity = { cert: readFileSync(tls.cert), key: readFileSync(tls.key), ca: readFileSync(tls.ca) };
const callers = 8;

const clients = {
  axios() {
    const httpsAgent = new HttpsAgent({ ...identity, maxCachedSessions: 0 });
    return () => axios.get(url, { httpsAgent, proxy: false });
  },
  'axios-resumed'() {
    const httpsAgent = new HttpsAgent(identity);
    return () => axios.get(url, { httpsAgent, proxy: false });
  },
  undici() {
    const dispatcher = new Agent({ connect: identity, pipelining: 0 });
    return async () => (await undiciRequest(url, { dispatcher, reset: true })).body.dump();
  },
  pillion: () => ofPillion('HTTP/1.1'),
  'pillion-h2': () => ofPillion('HTTP/2'),
};

function ofPillion(version) {
  const { cert, key, ca } = tls;
  const connections = { maxRequestsPerConnection: 1, maxConnections: callers };
  const allowH2 = version === 'HTTP/2';
  const config = { baseURL: url, tls: { cert, key, ca, reload: false }, connections, allowH2, ...nothing };
  const client = createHttpClient(config);
  return () => client.get('/');
}

const send = clients[variant]();
await closedLoop(send, callers, seconds);
// What is cached weakly does not outlive this.
global.gc();
process.send(await measured(() => closedLoop(send, callers, seconds)), () => process.exit());
