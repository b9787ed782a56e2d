/** `npm run bench:sidecar`: one service and its upstream in four forms, by the Envoy file of the pod and with the same load and faults. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts, installEnvoy, startEnvoy, version, written } from '../differential/envoy.mjs';
import { positive, readArguments } from './arguments.mjs';
import { writeCertificates } from './certificates.mjs';
import { installHaproxy, startHaproxy } from './haproxy.mjs';
import { counted, mishaps } from './mishaps.mjs';
import { podConfig } from './pod.mjs';
import { align, digits, machine, median } from './report.mjs';
import { start } from './start.mjs';

const known = Object.fromEntries(['rates', 'callers', 'rounds', 'seconds'].map((name) => [name, { type: 'string' }]));
const { rates, callers, rounds, seconds } = readArguments(known, (values) => ({
  rates: (values.rates ?? '500,2000').split(',').map((rate) => positive('rates', rate)),
  callers: positive('callers', values.callers ?? '50'),
  rounds: positive('rounds', values.rounds ?? '5'),
  seconds: positive('seconds', values.seconds ?? '4', { whole: false }),
}));

/** The forms, and the most that each may take of the CPU that app and Envoy take together, and of the p50 through Envoy. */
const forms = {
  envoy: { title: 'axios, Envoy as sidecar' },
  haproxy: { title: 'axios, HAProxy as sidecar' },
  listener: { title: 'axios, serveSidecar in the app' },
  direct: { title: 'pillion client', target: 0.18, p50Target: 0.4 },
};

/** The loads by their names: callers that send again once answered, and so many requests a second. */
const loads = {
  closed: `${callers} callers, each as fast as it is answered`,
  ...Object.fromEntries(rates.map((rate) => [`steady ${rate}`, `${rate} requests a second`])),
};

const program = fileURLToPath(new URL('../../dist/esm/cli/pillion.js', import.meta.url));

const columns = [
  ...['', 'req/s', 'app us', 'proxy us', 'both us', 'of Envoy', 'target'],
  ...['p50 ms', 'of Envoy', 'target', 'p99 ms'],
];
const times = (value) => (value === undefined ? '-' : `${value.toFixed(2)}x`);

function table(results, load) {
  const both = (form) => median(results[form][load].map(({ cpu, proxyCpu }) => cpu + proxyCpu));
  const p50Of = (form) => median(results[form][load].map(({ p50 }) => p50));
  const cells = Object.keys(results).map((form) => {
    const of = (read) => median(results[form][load].map(read));
    const beside = of(({ proxyCpu }) => proxyCpu);
    const { title, target, p50Target } = forms[form];
    return [
      title,
      of(({ throughput }) => throughput).toFixed(0),
      digits(of(({ cpu }) => cpu)),
      beside === 0 ? '-' : digits(beside),
      ...[digits(both(form)), times(both(form) / both('envoy')), times(target)],
      ...[digits(p50Of(form)), times(p50Of(form) / p50Of('envoy')), times(p50Target)],
      digits(of(({ p99 }) => p99)),
    ];
  });
  const failures = Object.keys(results).map((form) => {
    const failed = results[form][load].reduce((sum, round) => sum + round.failed, 0);
    return failed === 0 ? '' : `\n  Of ${forms[form].title}, ${failed} calls failed.`;
  });
  return align([columns, ...cells]) + failures.join('');
}

/** What came of the calls, and how many attempts the upstream saw for each. */
function mishapTable(results) {
  const cells = mishaps.map(({ method, plan, calls }) => {
    const key = `${method} ${plan}`;
    const of = ({ outcomes, attempts }) => `${counted(outcomes[key])}; ${digits(attempts[key] / calls)}`;
    return [`${method} ${plan.replace(',', ', then ')}`, String(calls), ...Object.values(results).map(of)];
  });
  return align([['status; attempts a call', 'calls', ...Object.keys(results)], ...cells]);
}

/** Writes Envoy's file and imports it for the forms of ours. */
async function prepare(binary, tls, tlsPort) {
  const [port, admin] = await freePorts(2);
  const file = written(tls.folder, 'envoy.yaml', podConfig({ port, admin, tlsPort, tls }));
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'import-envoy', '--json', file]);
  const clients = written(tls.folder, 'clients.json', JSON.stringify(JSON.parse(stdout).config));
  const open = () => startEnvoy(binary, file, admin, 2);
  return { origin: `http://127.0.0.1:${port}`, clients, open };
}

/** Sends a word to a process, and resolves to its answer. */
function asked(child, word) {
  child.send(word);
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`A process ended with code ${code} when asked for ${word}.`));
    child.once('exit', ended).once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer);
    });
  });
}

async function compare(binary, haproxy) {
  const { remove, ...tls } = await writeCertificates();
  const upstream = await start('upstream.mjs', { tls });
  const results = {};
  const proxies = {};
  try {
    const { origin, clients, open } = await prepare(binary, tls, upstream.message.tlsPort);
    const origins = { envoy: origin };
    proxies.envoy = await open();
    if (haproxy !== undefined) {
      const [port] = await freePorts(1);
      origins.haproxy = `http://127.0.0.1:${port}`;
      proxies.haproxy = await startHaproxy(haproxy, { port, tlsPort: upstream.message.tlsPort, tls });
    }
    const apps = {};
    for (const form of Object.keys(forms)) {
      if (form === 'haproxy' && haproxy === undefined) continue;
      const settings = { form, origin: origins[form], clients, callers, seconds, proxyPid: proxies[form]?.pid };
      apps[form] = (await start('sidecar-app.mjs', settings)).child;
      const outcomes = await asked(apps[form], 'mishaps');
      results[form] = { outcomes, attempts: await asked(upstream.child, 'attempts') };
      for (const load of Object.keys(loads)) results[form][load] = [];
      await asked(apps[form], 'warmUp');
    }
    for (let round = 0; round < rounds; round++)
      for (const load of Object.keys(loads))
        for (const [form, child] of Object.entries(apps)) results[form][load].push(await asked(child, load));
    for (const child of Object.values(apps)) child.disconnect();
  } finally {
    for (const proxy of Object.values(proxies)) await proxy.stop();
    upstream.child.disconnect();
    remove();
  }
  return results;
}

async function main() {
  let binary;
  try {
    binary = await installEnvoy();
  } catch (error) {
    return console.log(`Skipped: there is no Envoy, ${error.message}.`);
  }
  const haproxy = await installHaproxy().catch(({ message }) => console.log(`Without HAProxy: ${message}.`));
  const { node, platform, cores, cpu } = machine();
  const proxies = `Envoy ${version}${haproxy ? `, HAProxy ${haproxy.version}` : ''}`;
  console.log(
    `Node ${node}, ${proxies}, ${platform}, ${cores} cores (${cpu}), not pinned; medians of ${rounds} rounds`,
  );
  console.log(
    'CPU microseconds for each request, those of the callers in the app included; the upstream speaks mutual TLS.',
  );
  const results = await compare(binary, haproxy);
  console.log('What the app takes in the first form is axios itself; every form but the last has it too, as it is.\n');
  for (const [load, title] of Object.entries(loads)) console.log(`${title}\n${table(results, load)}\n`);
  console.log(`Under faults\n${mishapTable(results)}`);
}

// So that the handlers of `exit` end Envoy.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
await main();
