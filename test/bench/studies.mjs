/** What one request against one upstream does not show: many destinations, failures, and the policies without a wire. */
import { bursts, printBursts } from './bursts.mjs';
import { growth, leaks, printGrowth, printLeaks, printSoak, soak } from './growth-curves.mjs';
import { h2Studies } from './h2-studies.mjs';
import { nothing } from './pillion-variants.mjs';
import { align, digits } from './report.mjs';
import { answerOf, start } from './start.mjs';
import { coldStart, importTime, printColdStart, printImport } from './start-up.mjs';
import { missing, variants } from './variants.mjs';

const bytes = (value) => `${(value / 1e6).toFixed(1)} MB`;

async function manyDestinations({ quick, variants: chosen }) {
  if (process.platform !== 'linux') return { skipped: 'only Linux has all of 127.0.0.0/8' };
  const [count, edge] = quick ? [200, 50] : [10_000, 1000];
  const names = ['axios', 'adapter', 'pillion'].filter((name) => chosen.includes(name) && !missing(variants[name]));
  // Reached by all those addresses only where it listens on every one.
  const { child, message } = await start('upstream.mjs', { host: '0.0.0.0' }, { role: 'upstream' });
  const rows = {};
  for (const variant of names) {
    const load = { variant, port: message.port, count, edge };
    rows[variant] = await answerOf('many-destinations.mjs', load, { role: 'client', flags: ['--expose-gc'] });
  }
  child.disconnect();
  return { count, edge, rows };
}

function printDestinations({ skipped, count, edge, rows }) {
  if (skipped !== undefined) return `  Skipped: ${skipped}.`;
  const columns = ['', `first ${edge}, CPU us`, `last ${edge}, CPU us`, 'ratio', 'heap kept', 'RSS grown', 'sockets'];
  const cells = Object.entries(rows).map(([name, { first, last, heap, rss, sockets }]) => [
    `${variants[name].title}, ${count} destinations`,
    ...[digits(first), digits(last), `${(last / first).toFixed(2)}x`],
    ...[bytes(heap), bytes(rss), String(sockets)],
  ]);
  return align([columns, ...cells]);
}

/** Runs each over a wire that answers at once. */
async function stubbed(scenarios, { seconds }) {
  const rows = {};
  for (const [name, options] of Object.entries(scenarios))
    rows[name] = await answerOf('stubbed.mjs', { ...options, seconds }, { role: 'client' });
  return rows;
}

function printStubbed(rows) {
  const [base] = Object.values(rows);
  const cells = Object.entries(rows).map(([name, { cpu, p50, p99 }]) => [
    name,
    ...[digits(cpu), `${(cpu / base.cpu).toFixed(2)}x`, digits(p50 * 1000), digits(p99 * 1000)],
  ]);
  return align([['', 'CPU us/call', 'ratio', 'p50 us', 'p99 us'], ...cells]);
}

const traffic = [
  ...['nothing (noise)', 'endpoints: 10', 'endpoints: 100', 'outlierDetection', 'split', 'mirror, not this call'],
  ...['hedging', 'hedging by percentile', 'rateLimit', 'adaptiveConcurrency', 'deadlineHeader', 'fault, not this call'],
];

async function trafficCost({ quick }) {
  const rows = {};
  for (const section of traffic) {
    const load = { section, rounds: quick ? 2 : 24, calls: quick ? 200 : 4000 };
    rows[section] = await answerOf('traffic-cost.mjs', load, { role: 'client' });
  }
  return rows;
}

function printTraffic(rows) {
  const cells = Object.entries(rows).map(([name, { base, added }]) => [name, digits(base), added.toFixed(2)]);
  return align([['', 'standard stack, CPU us/call', 'added, us'], ...cells]);
}

const mirrorLatency = ({ quick }) => {
  const load = quick ? { rounds: 1, calls: 50 } : { rounds: 10, calls: 500 };
  return answerOf('mirror-latency.mjs', load, { role: 'client' });
};

function printMirror(rows) {
  const cells = Object.entries(rows).map(([name, { p50, p99 }]) => [name, p50.toFixed(3), p99.toFixed(3)]);
  return align([['', 'p50 ms', 'p99 ms'], ...cells]);
}

async function failingCalls({ quick }) {
  const found = {};
  for (const outcomes of quick ? [20] : [20, 2000, 20_000, 200_000]) {
    const load = { outcomes, rounds: quick ? 1 : 15, calls: quick ? 100 : 2000 };
    found[outcomes] = await answerOf('failing-calls.mjs', load, { role: 'client' });
  }
  return found;
}

function printFailing(found) {
  const columns = Object.keys(found);
  const rows = Object.keys(found[columns[0]]).map((name) => [
    name,
    ...columns.map((outcomes) => {
      const ofSame = found[outcomes][name.startsWith('axios') ? 'axios alone: succeeds' : 'succeeds'];
      return `${digits(found[outcomes][name])} us, ${(found[outcomes][name] / ofSame).toFixed(2)}x`;
    }),
  ]);
  return align([["CPU of a call, to one that succeeds; outcomes in the circuit's window", ...columns], ...rows]);
}

const stacks = {
  'axios alone': { scenario: 'axios' },
  'every policy off': { scenario: 'off' },
  ...Object.fromEntries(Object.keys(nothing).map((section) => [`only ${section}`, { scenario: 'only', section }])),
  'standard stack': { scenario: 'full' },
};

/** Over real sockets, and over a wire in the same process that holds its answers. */
const alive = {
  sockets: ['axios', 'undici', 'wire', 'adapter', 'off', 'pillion'].map((variant) => ({ name: variant, variant })),
  'in process': [
    { name: 'the held wire itself', scenario: 'wire' },
    { name: 'axios alone', scenario: 'axios' },
    { name: 'every policy off', scenario: 'off' },
    ...Object.keys(nothing).map((section) => ({ name: `only ${section}`, scenario: 'only', section })),
    { name: 'standard stack without logging', scenario: 'without', section: 'logging' },
    { name: 'standard stack', scenario: 'full' },
  ],
};

async function callsAlive({ quick }) {
  const found = {};
  for (const [kind, forms] of Object.entries(alive)) {
    found[kind] = {};
    for (const { name, ...form } of forms) {
      const load = { ...form, count: quick ? 200 : 2000 };
      found[kind][name] = await answerOf('calls-alive.mjs', load, { role: 'client' });
    }
  }
  return found;
}

function printAlive({ sockets, 'in process': held }) {
  const title = (name) => variants[name]?.title ?? (name === 'wire' ? 'the adapter of pillion, without axios' : name);
  const rows = (found, kind, base) =>
    Object.entries(found).map(([name, { bytes, idle }]) => [
      `${kind}: ${title(name)}`,
      ...[bytes, bytes - found[base].bytes, idle].map((each) => each.toFixed(0)),
    ]);
  const columns = ['bytes of heap alive', 'a call in flight', 'over the wire alone', 'its idle connection'];
  return align([columns, ...rows(sockets, 'sockets', 'wire'), ...rows(held, 'in process', 'the held wire itself')]);
}

export const studies = {
  alive: {
    title: '2,000 calls in flight, less the same connections idle, after a full collection',
    run: callsAlive,
    print: printAlive,
  },
  'many-destinations': {
    title: 'each destination called once, 20 callers',
    run: manyDestinations,
    print: printDestinations,
  },
  'failure-path': {
    title: 'a wire that answers at once, all in one process, in turns',
    run: failingCalls,
    print: printFailing,
  },
  traffic: {
    title: 'what each policy of traffic adds to a call of the standard stack; a wire that answers at once',
    run: trafficCost,
    print: printTraffic,
  },
  mirror: {
    title: 'latency of calls of which a tenth is copied, 4 callers',
    run: mirrorLatency,
    print: printMirror,
  },
  growth: {
    title: 'what a call costs as the number of something grows; a wire that answers at once',
    run: growth,
    print: printGrowth,
  },
  soak: { title: 'a steady rate of calls', run: soak, print: printSoak },
  leaks: { title: 'what stays on the heap of many calls of one kind, by snapshots', run: leaks, print: printLeaks },
  policies: {
    title: 'a wire that answers at once',
    run: (options) => stubbed(stacks, options),
    print: printStubbed,
  },
  ...h2Studies,
  burst: {
    title: 'a pool without connections, 500 calls at once or 2,000 a second; medians of bursts, each on a new client',
    run: bursts,
    print: printBursts,
  },
  import: {
    title: 'loading a module in a fresh process; medians in turns',
    run: importTime,
    print: printImport,
  },
  'cold-start': {
    title:
      'a function that makes one call, in a fresh process: as esbuild packs it, and from node_modules; medians in turns',
    run: coldStart,
    print: printColdStart,
  },
};
