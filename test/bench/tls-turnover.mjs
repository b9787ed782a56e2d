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
    return async () => (await axios.get(url, { httpsAgent, proxy: false })).data;
  },
  'axios-resumed'() {
    const httpsAgent = new HttpsAgent(identity);
    return async () => (await axios.get(url, { httpsAgent, proxy: false })).data;
  },
  undici() {
    const dispatcher = new Agent({ connect: identity, pipelining: 0 });
    return async () => (await undiciRequest(url, { dispatcher, reset: true })).body.text();
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
  return async () => (await client.get('/')).data;
}

const send = clients[variant]();
let calls = 0;
let resumed = 0;
const counted = async () => {
  calls++;
  if ((await send()) === 'resumed') resumed++;
};

/** The share of connections that resumed a session while `drive` ran. */
async function shareOf(drive) {
  calls = 0;
  resumed = 0;
  await drive();
  return resumed / calls;
}

await closedLoop(counted, callers, seconds);
let taken;
const busy = await shareOf(async () => {
  taken = await measured(() => closedLoop(counted, callers, seconds));
});
// Connections that are opened now and then, as by a service that makes a call a minute.
const seldom = await shareOf(async () => {
  for (let call = 0; call < 20; call++) {
    global.gc();
    await counted();
  }
});
process.send({ ...taken, busy, seldom }, () => process.exit());
