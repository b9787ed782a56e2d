/** A cold pool that all at once has many calls, or a steady rate of them, in a process of its own: latencies, failures, connections. */
import http from 'node:http';
import https from 'node:https';
import { createHttpClient } from 'pillion';
import { Agent, request as undiciRequest } from 'undici';
import { identityOf } from './axios-variants.mjs';
import { openLoop } from './load.mjs';
import { nothing } from './pillion-variants.mjs';

const { variant, ports, kind, tls, calls, wait, rate, seconds, connectTimeout, bursts } = JSON.parse(process.argv[2]);
const secure = kind === 'mtls';
const origin = `${secure ? 'https' : 'http'}://127.0.0.1:${ports[kind]}`;
const path = `/${wait}`;
const identity = secure ? identityOf(tls) : {};

/** Each makes a client with no connection yet; `close` ends it. */
const clients = {
  agent() {
    const { Agent, get } = secure ? https : http;
    const agent = new Agent({ keepAlive: true, ...identity });
    const send = () =>
      new Promise((resolve, reject) => {
        get(origin + path, { agent }, (response) => response.resume().once('end', resolve)).once('error', reject);
      });
    return { send, close: () => agent.destroy() };
  },
  undici() {
    const dispatcher = new Agent({ connect: { ...identity, timeout: connectTimeout } });
    const send = async () => (await undiciRequest(origin + path, { dispatcher })).body.text();
    return { send, close: () => dispatcher.destroy() };
  },
  pillion() {
    const config = {
      ...{ baseURL: origin, ...nothing, timeouts: { connect: connectTimeout, attempt: false, total: false } },
      ...{ connections: { maxConnections: 65_535 }, allowH2: false },
      ...(secure && { tls: { cert: tls.cert, key: tls.key, ca: tls.ca, reload: false } }),
    };
    const client = createHttpClient(config);
    return { send: () => client.get(path), close: () => client.close({ grace: 0 }) };
  },
};

const opened = async () => Number(await (await undiciRequest(`http://127.0.0.1:${ports.control}/`)).body.text());

const found = [];
for (let burst = 0; burst < bursts; burst++) {
  const { send, close } = clients[variant]();
  let failed = 0;
  const counted = () =>
    send().catch(() => {
      failed++;
    });
  await opened();
  const cpuBefore = process.cpuUsage();
  const latencies =
    rate === undefined
      ? await Promise.all(
          Array.from({ length: calls }, async (_, __, startedAt = performance.now()) => {
            await counted();
            return performance.now() - startedAt;
          }),
        )
      : await openLoop(counted, rate, seconds);
  const { user, system } = process.cpuUsage(cpuBefore);
  const sorted = Float64Array.from(latencies).sort();
  const at = (share) => sorted[Math.ceil(sorted.length * share) - 1];
  const connections = await opened();
  found.push({ p50: at(0.5), p99: at(0.99), last: at(1), failed, connections, cpu: (user + system) / 1000 });
  await close();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
process.send(found, () => process.exit());
