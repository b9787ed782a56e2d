/** `npm run bench`: compares clients against an upstream in another process, one process for each, by turns. */
import { writeFileSync } from 'node:fs';
import { writeCertificates } from './certificates.mjs';
import { chart } from './chart.mjs';
import { installLibraries, needInstall } from './libraries.mjs';
import { readOptions } from './options.mjs';
import { latencyTable, machine, summarize, table } from './report.mjs';
import { asked, pinning, start, stopped } from './start.mjs';
import { studies } from './studies.mjs';
import { missing, variants, versioned } from './variants.mjs';

const options = readOptions();
const { rounds, seconds, warmth, leadingTurns, cases } = options;
const ofOthers = cases.length > 0 && options.variants.some((name) => needInstall(variants[name].of));
const failed = ofOthers ? installLibraries() : undefined;
if (failed !== undefined) console.log(`Those beside the tests are used where there are any: ${failed}.`);
const skipped = options.variants
  .map((name) => ({ name, why: missing(variants[name]) }))
  .filter(({ why }) => why !== undefined);
const names = options.variants.filter((name) => !skipped.some((one) => one.name === name));
const titles = Object.fromEntries(names.map((name) => [name, versioned(variants[name])]));

/** Seconds of a turn: shorter than a noisy machine keeps its speed; many callers need longer, each has to be answered some times. */
const turnOf = ({ callers }) => 0.2 + callers / 5000;

const begin = async (variant, one, targets) => {
  const load = { variant, name: one.name, seconds, warmth, ...targets[variant] };
  return (await start('client.mjs', load, { role: 'client' })).child;
};

/** Both send by turns, so that a machine which changes its speed does so for both. */
async function runPair(own, base, { longer = 1, ...one }) {
  const turns = Math.ceil((seconds * longer) / turnOf(one));
  const length = (seconds * longer) / turns;
  for (let count = -leadingTurns; count < turns; count++)
    for (const child of count % 2 === 0 ? [own, base] : [base, own])
      await asked(child, [count < 0 ? 'lead' : 'turn', length]);
  const result = (child) => asked(child, ['result', seconds / 4]);
  return { ...(await result(own)), base: await result(base) };
}

/**
 * One round: new processes, and each variant by turns with the first. In turns of twelve each would wait for so long that V8 gives back
 * memory of its young generation.
 */
async function runRound(one, targets, samples) {
  const [first, ...others] = names;
  // One that is alone takes turns with itself, which shows the noise.
  const base = await begin(first, one, targets);
  for (const variant of others.length > 0 ? others : names) {
    const own = await begin(variant, one, targets);
    const sample = await runPair(own, base, one);
    samples[variant].push(sample);
    samples[first].push(sample.base);
    await stopped(own);
  }
  await stopped(base);
}

/** Of one case, by variant, what it took in each round; and the first in each pair. */
async function runCase(one, targets) {
  const samples = Object.fromEntries(names.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) await runRound(one, targets, samples);
  return samples;
}

/** An upstream for each variant: with one for all, the connections of those that wait for their turn would slow the others. */
async function startUpstreams(tls) {
  const upstreams = [];
  const targets = {};
  for (const variant of names) {
    const { child, message } = await start('upstream.mjs', { tls }, { role: 'upstream' });
    upstreams.push(child);
    targets[variant] = { ...message, tls };
  }
  return { targets, stop: () => upstreams.map((child) => child.disconnect()) };
}

async function runCases() {
  if (cases.length === 0 || names.length === 0) return {};
  const { remove, ...tls } = await writeCertificates();
  try {
    const { targets, stop } = await startUpstreams(tls);
    const samples = {};
    for (const one of cases) {
      const { name, title, callers, rate } = one;
      samples[name] = await runCase(one, targets);
      const rows = summarize(samples[name]);
      if (rate) console.log(`${name}: ${title}, ${rate} a second\n${latencyTable(rows, titles, 'undici')}\n`);
      else console.log(`${name}: ${title}, ${callers} at once\n${table(rows, titles)}\n`);
    }
    stop();
    return samples;
  } finally {
    remove();
  }
}

async function runStudies() {
  const found = {};
  for (const name of options.studies) {
    const { title, run, print } = studies[name];
    found[name] = await run(options);
    console.log(`${name}: ${title}\n${print(found[name])}\n`);
  }
  return found;
}

const about = machine();
// Most clients make thousands of calls a second.
const started = 0.8 + 0.4 * leadingTurns + warmth / 5000;
const each = cases.reduce((sum, { longer = 1 }) => sum + started + seconds * (1.5 + 2.4 * longer), 0);
const minutes = Math.ceil((each * names.length * rounds) / 60);
console.log(`Node ${about.node}, ${about.platform}, ${about.cores} cores (${about.cpu})`);
console.log(
  pinning ? 'Client and upstream pinned to a core each by taskset.' : 'Not pinned: no taskset or no two cores.',
);
for (const { name, why } of skipped) console.log(`Skipped ${name}: ${why}.`);
if (cases.length > 0 && names.length > 0) {
  console.log(`Medians of ${rounds} rounds of ${seconds} s; about ${minutes} min for the cases.`);
  console.log(`Ratios are to ${titles[names[0]]}, with the lowest and highest of a round.\n`);
}

const samples = await runCases();
const found = await runStudies();
const results = Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, summarize(taken)]));
const described = cases.map(({ name, title, callers, rate }) => ({ name, title, callers, rate }));
const short = Object.fromEntries(names.map((name) => [name, variants[name].title]));
const head = {
  ...{ ...about, pinned: pinning !== undefined, rounds, seconds },
  ...{ cases: described, variants: short, versioned: titles, skipped },
};
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ ...head, results, studies: found, samples }, null, 2)}\n`);
if (options.svg !== undefined && Object.keys(results).length > 0) {
  const groups = described.filter(({ rate }) => rate === undefined).map((one) => ({ ...one, rows: results[one.name] }));
  const note = `Node ${about.node}, ${about.platform}, ${about.cores} cores; medians of ${rounds} rounds of ${seconds} s`;
  const own = new Set(names.filter((name) => variants[name].own));
  writeFileSync(options.svg, chart(groups, { titles: short, own, about: note, base: short[names[0]] }));
}
