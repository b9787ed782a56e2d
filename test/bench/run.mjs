/** `npm run bench`: compares clients against an upstream in another process, one process per measurement, in interleaved rounds. */
import { writeFileSync } from 'node:fs';
import { writeCertificates } from './certificates.mjs';
import { chart } from './chart.mjs';
import { installLibraries, needInstall } from './libraries.mjs';
import { readOptions } from './options.mjs';
import { latencyTable, machine, summarize, table } from './report.mjs';
import { answerOf, pinning, start } from './start.mjs';
import { studies } from './studies.mjs';
import { missing, variants, versioned } from './variants.mjs';

const options = readOptions();
const { rounds, seconds, warmth, cases } = options;
const ofOthers = cases.length > 0 && options.variants.some((name) => needInstall(variants[name].of));
const failed = ofOthers ? installLibraries() : undefined;
if (failed !== undefined) console.log(`Those beside the tests are used where there are any: ${failed}.`);
const skipped = options.variants
  .map((name) => ({ name, why: missing(variants[name]) }))
  .filter(({ why }) => why !== undefined);
const names = options.variants.filter((name) => !skipped.some((one) => one.name === name));
const titles = Object.fromEntries(names.map((name) => [name, versioned(variants[name])]));

/** Of one case, by variant, what each round took. */
async function runCase(name, target) {
  const samples = Object.fromEntries(names.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another variant, so that none always runs after the same one.
    for (let turn = 0; turn < names.length; turn++) {
      const variant = names[(round + turn) % names.length];
      samples[variant].push(
        await answerOf('client.mjs', { variant, name, seconds, warmth, ...target }, { role: 'client' }),
      );
    }
  }
  return samples;
}

async function runCases() {
  if (cases.length === 0 || names.length === 0) return {};
  const { remove, ...tls } = await writeCertificates();
  try {
    const { child, message } = await start('upstream.mjs', { tls }, { role: 'upstream' });
    const samples = {};
    for (const { name, title, callers, rate } of cases) {
      samples[name] = await runCase(name, { ...message, tls });
      const rows = summarize(samples[name]);
      if (rate) console.log(`${name}: ${title}, ${rate} a second\n${latencyTable(rows, titles, 'undici')}\n`);
      else console.log(`${name}: ${title}, ${callers} at once\n${table(rows, titles)}\n`);
    }
    child.disconnect();
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
const each = cases.reduce((sum, { longer = 1 }) => sum + seconds * (1.5 + longer) + 0.8 + warmth / 5000, 0);
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
