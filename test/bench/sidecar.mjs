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
import { start } from './start.mjs';

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

const columns = ['', 'req/s', 'app us', 'proxy us', 'both us', 'of Envoy', 'target', 'p50 ms', 'p99 ms'];

function table(results, load) {
  const both = (form) => median(results[form][load].map(({ cpu, proxyCpu }) => cpu + proxyCpu));
  const cells = Object.keys(results).map((form) => {
    const of = (read) => median(results[form][load].map(read));
    const beside = of(({ proxyCpu }) => proxyCpu);
    const { title, target } = forms[form];
    return [
      title,
      of(({ throughput }) => throughput).toFixed(0),
      digits(of(({ cpu }) => cpu)),
      beside === 0 ? '-' : digits(beside),
      digits(both(form)),
      `${(both(form) / both('envoy')).toFixed(2)}x`,
      target === 1 ? '-' : `${target}x`,
      ...[of(({ p50 }) => p50), of(({ p99 }) => p99)].map(digits),
    ];
  });
  return align([columns, ...cells]);
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

/** Starts Envoy, and imports its file for the other two. */
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
  return new Promise((resolve) => {
    child.once('message', resolve);
  });
}

async function compare(binary) {
  const { remove, ...tls } = await writeCertificates();
  const upstream = await start('upstream.mjs', { tls });
  const results = {};
  let envoy;
  try {
    const { origin, clients, open } = await prepare(binary, tls, upstream.message.tlsPort);
    envoy = await open();
    const apps = {};
    for (const form of Object.keys(forms)) {
      const settings = {
        form,
        origin,
        clients,
        rate,
        callers,
        seconds,
        proxyPid: form === 'envoy' ? envoy.pid : undefined,
      };
      apps[form] = (await start('sidecar-app.mjs', settings)).child;
      const outcomes = await asked(apps[form], 'mishaps');
      results[form] = { outcomes, attempts: await asked(upstream.child, 'attempts'), steady: [], closed: [] };
      await asked(apps[form], 'warmUp');
    }
    for (let round = 0; round < rounds; round++)
      for (const load of ['steady', 'closed'])
        for (const [form, child] of Object.entries(apps)) results[form][load].push(await asked(child, load));
    for (const child of Object.values(apps)) child.disconnect();
  } finally {
    await envoy?.stop();
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
  const { node, platform, cores, cpu } = machine();
  console.log(
    `Node ${node}, Envoy ${version}, ${platform}, ${cores} cores (${cpu}), not pinned; medians of ${rounds} rounds`,
  );
  console.log(
    'CPU microseconds for each request, those of the callers in the app included; the upstream speaks mutual TLS.',
  );
  const results = await compare(binary);
  console.log('What the app takes in the first form is axios itself; the second form has it too, as it is.\n');
  console.log(`${rate} requests a second\n${table(results, 'steady')}\n`);
  console.log(`${callers} callers, each as fast as it is answered\n${table(results, 'closed')}\n`);
  console.log(`Under faults\n${mishapTable(results)}`);
}

// So that the handlers of `exit` end Envoy.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
await main();
