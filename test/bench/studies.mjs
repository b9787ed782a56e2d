/** What one request against one upstream does not show: many destinations, failures, and the policies without a wire. */
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
async function stubbed(scenarios, { quick, seconds }) {
  const rows = {};
  for (const [name, options] of Object.entries(scenarios)) {
    const samples = quick ? Math.min(options.samples ?? 0, 500) : options.samples;
    rows[name] = await answerOf('stubbed.mjs', { ...options, samples, seconds }, { role: 'client' });
  }
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

const samples = 20_000;
const failing = { status: 503, expected: 'ERR_BAD_RESPONSE' };

const failures = {
  'every call succeeds': { scenario: 'window', samples },
  'every call fails with 503': { scenario: 'window', samples, ...failing },
  'the circuit is open': { scenario: 'open', samples: 100, status: 503, expected: 'ERR_CIRCUIT_OPEN' },
  'axios alone, every call succeeds': { scenario: 'axios' },
  'axios alone, every call fails with 503': { scenario: 'axios', ...failing },
};

const stacks = {
  'axios alone': { scenario: 'axios' },
  'every policy off': { scenario: 'off' },
  ...Object.fromEntries(Object.keys(nothing).map((section) => [`only ${section}`, { scenario: 'only', section }])),
  'standard stack': { scenario: 'full' },
};

export const studies = {
  'many-destinations': {
    title: 'each destination called once, 20 callers',
    run: manyDestinations,
    print: printDestinations,
  },
  'failure-path': {
    title: `a wire that answers at once; ${samples} outcomes in the circuit's window`,
    run: (options) => stubbed(failures, options),
    print: printStubbed,
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
  policies: {
    title: 'a wire that answers at once',
    run: (options) => stubbed(stacks, options),
    print: printStubbed,
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
