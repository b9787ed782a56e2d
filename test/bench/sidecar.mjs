/** `npm run bench:sidecar`: the same call to an upstream over mutual TLS, through Envoy or HAProxy as a sidecar and in-process. */
import { positive, readArguments } from './arguments.mjs';
import { writeCertificates } from './certificates.mjs';
import { findProxy, startProxy } from './proxies.mjs';
import { align, digits, machine, median } from './report.mjs';
import { answerOf, start } from './start.mjs';

const known = {
  ...{ proxy: { type: 'string' }, rate: { type: 'string', default: '500' } },
  ...{ callers: { type: 'string', default: '50' }, rounds: { type: 'string', default: '3' } },
  seconds: { type: 'string', default: '4' },
};
const { proxy, rate, callers, rounds, seconds } = readArguments(known, (values) => ({
  proxy: values.proxy,
  rate: positive('rate', values.rate),
  callers: positive('callers', values.callers),
  rounds: positive('rounds', values.rounds),
  seconds: positive('seconds', values.seconds, { whole: false }),
}));

/** What every one of them does for a call. */
const policy = {
  ...{ connectTimeout: 250, attemptTimeout: 1500, totalTimeout: 15_000 },
  ...{ maxRetries: 3, retryOn: ['5xx', 'gateway-error', 'reset'], backoffBase: 50, backoffMax: 1000 },
  ...{ maxConnections: 200, maxPending: 100, maxConcurrentRetries: 50 },
};

const columns = ['', 'req/s', 'app us', 'proxy us', 'both us', 'p50 ms', 'p99 ms', 'app RSS', 'proxy RSS'];
const megabytes = (value) => (value === 0 ? '-' : `${(value / 1e6).toFixed(0)} MB`);

function table(results, titles, load) {
  const cells = Object.entries(results).map(([kind, samples]) => {
    const of = (read) => median(samples.map(read));
    const [app, beside] = [of((one) => one[load].cpu), of((one) => one[load].proxyCpu)];
    return [
      titles[kind],
      of((one) => one[load].throughput).toFixed(0),
      ...[digits(app), beside === 0 ? '-' : digits(beside), digits(app + beside)],
      ...[of((one) => one[load].p50), of((one) => one[load].p99)].map(digits),
      ...[of((one) => one.memory.app), of((one) => one.memory.proxy)].map(megabytes),
    ];
  });
  return align([columns, ...cells]);
}

async function compare(found, titles) {
  const { remove, ...tls } = await writeCertificates();
  const upstream = await start('upstream.mjs', { tls });
  const { tlsPort } = upstream.message;
  const common = { tls, policy, rate, callers, seconds };
  const results = Object.fromEntries(Object.keys(titles).map((kind) => [kind, []]));
  try {
    for (let round = 0; round < rounds; round++)
      for (const kind of Object.keys(titles)) {
        if (kind === 'inProcess') {
          const load = { ...common, kind, origin: `https://localhost:${tlsPort}` };
          results[kind].push(await answerOf('sidecar-app.mjs', load));
          continue;
        }
        // A proxy of its own for each, so that no memory of one is counted with the other.
        const { child, origin } = await startProxy(found, { tlsPort, tls, policy });
        const load = { ...common, kind, origin, proxyPid: child.pid };
        results[kind].push(await answerOf('sidecar-app.mjs', load).finally(() => child.kill()));
      }
  } finally {
    upstream.child.disconnect();
    remove();
  }
  return results;
}

const found = process.platform === 'linux' ? findProxy(proxy && [proxy]) : undefined;
if (found === undefined) {
  const wanted = proxy ?? 'envoy or haproxy';
  console.log(`Skipped: it takes Linux and ${wanted} on PATH to compare with a sidecar.`);
} else {
  const titles = {
    axios: `axios, ${found.name} as sidecar`,
    adapter: `axios, pillion adapter, ${found.name} as sidecar`,
    inProcess: 'pillion, mutual TLS in-process',
  };
  const { node, platform, cores, cpu } = machine();
  console.log(`Node ${node}, ${platform}, ${cores} cores (${cpu}), not pinned; medians of ${rounds} rounds`);
  console.log('CPU microseconds for each request; the upstream speaks mutual TLS to all.\n');
  const results = await compare(found, titles);
  console.log(`${rate} requests a second\n${table(results, titles, 'steady')}\n`);
  console.log(`${callers} callers, each as fast as it is answered\n${table(results, titles, 'closed')}`);
}
