/** What it takes to load the package, and to start a bundled function with it. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { align } from './report.mjs';
import { answerOf, start } from './start.mjs';

const require = createRequire(import.meta.url);

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** The median of each figure of each row, from fresh processes in turns. */
async function inTurns(names, rounds, sample) {
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) for (const name of names) samples[name].push(await sample(name));
  const mid = (list) =>
    Object.fromEntries(Object.keys(list[0]).map((figure) => [figure, median(list.map((each) => each[figure]))]));
  return Object.fromEntries(names.map((name) => [name, mid(samples[name])]));
}

const entries = ['', '/testing', '/metrics', '/admin', '/nestjs', '/sidecar'].map((entry) => `pillion${entry}`);
const others = ['undici', 'got', 'zod', '@nestjs/common'];
const loads = [
  ...['axios', ...entries, ...others].map((name) => `import ${name}`),
  ...['axios', 'pillion', 'pillion/testing'].map((name) => `require ${name}`),
];

export async function importTime({ quick }) {
  const rounds = quick ? 1 : 15;
  const rows = await inTurns(loads, rounds, (row) => {
    const [way, name] = row.split(' ');
    return answerOf('import.mjs', { way, name }, { role: 'client' });
  });
  const samples = [];
  for (let round = 0; round < rounds; round++)
    samples.push(await answerOf('import.mjs', { owners: true }, { role: 'client' }));
  const owners = Object.keys(samples[0]).map((owner) => [
    owner,
    { ms: median(samples.map((each) => each[owner].ms)), cpu: median(samples.map((each) => each[owner].cpu)) },
  ]);
  return { rows, owners: Object.fromEntries(owners) };
}

export function printImport({ rows, owners }) {
  const cells = Object.entries(rows).map(([row, { ms, cpu, rss, whole }]) => {
    const axios = rows[`${row.split(' ')[0]} axios`];
    return [
      ...[row, ms.toFixed(1), `${(ms / axios.ms).toFixed(2)}x`, cpu.toFixed(1), `${(cpu / axios.cpu).toFixed(2)}x`],
      ...[`${(rss / 1e6).toFixed(1)} MB`, `${(whole / axios.whole).toFixed(2)}x`],
    ];
  });
  const parts = Object.entries(owners).map(([owner, { ms, cpu }]) => [owner, ms.toFixed(1), cpu.toFixed(1)]);
  const head = ['', 'ms', 'of axios', 'CPU ms', 'of axios', 'RSS grown', 'RSS of the process'];
  return `${align([head, ...cells])}\n\n${align([['part by part', 'ms', 'CPU ms'], ...parts])}`;
}

/** A function as it runs in a cloud: loads, makes one call, answers. */
const functions = {
  nothing: 'const call = async () => ({});',
  axios: `import axios from 'axios';\nconst call = async (url) => (await axios.get(url)).data;`,
  got: `import got from 'got';\nconst call = (url) => got(url).json();`,
  undici: `import { request } from 'undici';\nconst call = async (url) => (await request(url)).body.json();`,
  pillion: `import { createHttpClient } from 'pillion';
const client = createHttpClient({ name: 'orders' });
const call = async (url) => (await client.get(url)).data;`,
};

/** The time is that of the answer: kept connections hold processes up for different times. */
const ending = `
const start = performance.now();
call(JSON.parse(process.argv[2])).then((answer) => {
  const end = performance.now();
  const { user, system } = process.cpuUsage();
  const { rss } = process.memoryUsage();
  const took = { whole: end, loaded: start, call: end - start, cpu: (user + system) / 1000, rss };
  process.send(took, () => process.exit());
});`;

/** As SAM, CDK and Serverless do by default; the tsconfig of this repository would lead to the source. */
const packing = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'error',
  tsconfigRaw: '{}',
};

/** esbuild, which is not among the dependencies of the repository; undefined where it is not installed. */
export function esbuildIfThere() {
  try {
    return require('esbuild');
  } catch {
    return undefined;
  }
}

export async function coldStart({ quick }) {
  const esbuild = esbuildIfThere();
  if (esbuild === undefined) return { skipped: 'esbuild is not installed (npm install --no-save esbuild)' };
  // Inside of the package, whose name is known there.
  const folder = mkdtempSync(join(import.meta.dirname, 'cold-start-'));
  const { child, message } = await start('upstream.mjs', {}, { role: 'upstream' });
  try {
    const files = {};
    for (const [name, source] of Object.entries(functions)) {
      const installed = join(folder, `${name}.mjs`);
      writeFileSync(installed, source + ending);
      files[`${name}, from node_modules`] = installed;
      const outfile = join(folder, `${name}.cjs`);
      await esbuild.build({ ...packing, entryPoints: [installed], outfile });
      files[`${name}, bundled`] = outfile;
    }
    const url = `http://127.0.0.1:${message.port}/small`;
    const names = Object.keys(files).sort((a, b) => a.split(', ')[1].localeCompare(b.split(', ')[1]));
    const rows = await inTurns(names, quick ? 1 : 15, async (row) => {
      const answer = await answerOf(files[row], url, { role: 'client' });
      return { ...answer, size: row.endsWith('bundled') ? statSync(files[row]).size : 0 };
    });
    return { rows };
  } finally {
    child.disconnect();
    rmSync(folder, { recursive: true });
  }
}

export function printColdStart({ skipped, rows }) {
  if (skipped !== undefined) return `  Skipped: ${skipped}.`;
  const cells = Object.entries(rows).map(([row, { whole, loaded, call, cpu, rss, size }]) => {
    const form = row.split(', ')[1];
    const [idle, axios] = [rows[`nothing, ${form}`], rows[`axios, ${form}`]];
    const ratio = (cpu - idle.cpu) / (axios.cpu - idle.cpu);
    return [
      ...[row, cpu.toFixed(0), row.startsWith('nothing') ? '' : `${ratio.toFixed(2)}x`],
      ...[whole.toFixed(0), loaded.toFixed(0), call.toFixed(1), `${(rss / 1e6).toFixed(0)} MB`],
      size === 0 ? '' : `${(size / 1e3).toFixed(0)} KB`,
    ];
  });
  const head = [
    'from the start of the process',
    'ms',
    'over Node, of axios',
    'loaded',
    'call',
    'CPU ms',
    'RSS',
    'bundle',
  ];
  return align([head, ...cells]);
}
