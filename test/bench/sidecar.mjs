/** `npm run bench:sidecar`: one service and its upstream in three forms, by the Envoy file of the pod and with the same load and faults. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts, installEnvoy, startEnvoy, version, written } from '../differential/envoy.mjs';
import { positive, readArguments } from './arguments.mjs';
import { writeCertificates } from './certificates.mjs';
import { counted, mishaps } from './mishaps.mjs';
import { podConfig } from './pod.mjs';
import { align, digits, machine, median } from './report.mjs';
import { answerOf, start } from './start.mjs';

const known = Object.fromEntries(['rate', 'callers', 'rounds', 'seconds'].map((name) => [name, { type: 'string' }]));
const { rate, callers, rounds, seconds } = readArguments(known, (values) => ({
  rate: positive('rate', values.rate ?? '500'),
  callers: positive('callers', values.callers ?? '50'),
  rounds: positive('rounds', values.rounds ?? '5'),
  seconds: positive('seconds', values.seconds ?? '4', { whole: false }),
}));

/** The forms, and the most CPU that each may take of what app and Envoy take together. */
const forms = {
  envoy: { title: 'axios, Envoy as sidecar', target: 1 },
  listener: { title: 'axios, serveSidecar in the app', target: 0.6 },
  direct: { title: 'pillion client', target: 0.2 },
};

const program = fileURLToPath(new URL('../../dist/esm/cli/pillion.js', import.meta.url));

const columns = [
  '',
  'req/s',
  'app us',
  'proxy us',
  'both us',
  'of Envoy',
  'target',
  'p50 ms',
  'p99 ms',
  'app RSS',
  'proxy RSS',
];
const megabytes = (value) => (value === 0 ? '-' : `${(value / 1e6).toFixed(0)} MB`);

function table(results, load) {
  const both = (form) => median(results[form].map(({ [load]: one }) => one.cpu + one.proxyCpu));
  const cells = Object.entries(results).map(([form, samples]) => {
    const of = (read) => median(samples.map(read));
    const beside = of((one) => one[load].proxyCpu);
    const { title, target } = forms[form];
    return [
      title,
      of((one) => one[load].throughput).toFixed(0),
      digits(of((one) => one[load].cpu)),
      beside === 0 ? '-' : digits(beside),
      digits(both(form)),
      `${(both(form) / both('envoy')).toFixed(2)}x`,
      target === 1 ? '-' : `${target}x`,
      ...[of((one) => one[load].p50), of((one) => one[load].p99)].map(digits),
      ...[of((one) => one.memory.app), of((one) => one.memory.proxy)].map(megabytes),
    ];
  });
  return align([columns, ...cells]);
}

/** What came of the calls, and how many attempts the upstream saw for each. */
function mishapTable(results) {
  const cells = mishaps.map(({ method, plan, calls }) => {
    const key = `${method} ${plan}`;
    const of = ([{ outcomes, attempts }]) => `${counted(outcomes[key])}; ${digits(attempts[key] / calls)}`;
    return [`${method} ${plan.replace(',', ', then ')}`, String(calls), ...Object.values(results).map(of)];
  });
  return align([['status; attempts a call', 'calls', ...Object.keys(results)], ...cells]);
}

/** Starts Envoy, and imports its file for the other two. */
async function prepare(binary, tls, tlsPort) {
  const [port, admin] = await freePorts(2);
  const file = written(tls.folder, 'envoy.yaml', podConfig({ port, admin, tlsPort, tls }));
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'import-envoy', '--json', file]);
  const clients = written(tls.folder, 'clients.json', JSON.stringify(JSON.parse(stdout).config));
  const open = () => startEnvoy(binary, file, admin, 2);
  return { origin: `http://127.0.0.1:${port}`, clients, open };
}

async function compare(binary) {
  const { remove, ...tls } = await writeCertificates();
  const upstream = await start('upstream.mjs', { tls });
  const results = Object.fromEntries(Object.keys(forms).map((form) => [form, []]));
  try {
    const { origin, clients, open } = await prepare(binary, tls, upstream.message.tlsPort);
    for (let round = 0; round < rounds; round++)
      for (const form of Object.keys(forms)) {
        // An Envoy of its own for each round, so that all of them begin cold.
        const envoy = form === 'envoy' ? await open() : undefined;
        const settings = { form, origin, clients, rate, callers, seconds, proxyPid: envoy?.pid, faults: round === 0 };
        const found = await answerOf('sidecar-app.mjs', settings).finally(() => envoy?.stop());
        results[form].push({ ...found, attempts: await attemptsOf(upstream.child) });
      }
  } finally {
    upstream.child.disconnect();
    remove();
  }
  return results;
}

/** The attempts that the upstream has seen since it was asked last, by method and plan. */
function attemptsOf(child) {
  child.send('attempts');
  return new Promise((resolve) => {
    child.once('message', resolve);
  });
}

async function main() {
  let binary;
  try {
    binary = await installEnvoy();
  } catch (error) {
    return console.log(`Skipped: there is no Envoy, ${error.message}.`);
  }
  const { node, platform, cores, cpu } = machine();
  console.log(
    `Node ${node}, Envoy ${version}, ${platform}, ${cores} cores (${cpu}), not pinned; medians of ${rounds} rounds`,
  );
  console.log(
    'CPU microseconds for each request, those of the callers in the app included; the upstream speaks mutual TLS.\n',
  );
  const results = await compare(binary);
  console.log(`${rate} requests a second\n${table(results, 'steady')}\n`);
  console.log(`${callers} callers, each as fast as it is answered\n${table(results, 'closed')}\n`);
  console.log(`Under faults\n${mishapTable(results)}`);
}

// So that the handlers of `exit` end Envoy.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
await main();
