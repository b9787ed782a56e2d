/** `npm run bench`: compares clients against an upstream in another process, one process per variant and round. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { machine, summarize, table } from './report.mjs';
import { variants } from './variants.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    requests: { type: 'string' },
    callers: { type: 'string', default: '50' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const rounds = positive('rounds', values.rounds ?? (values.quick ? '2' : '5'));
const requests = positive('requests', values.requests ?? (values.quick ? '2000' : '4000'));
const callers = positive('callers', values.callers);

function positive(name, text) {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  console.error(`--${name} has to be a whole number above 0, not "${text}".`);
  process.exit(2);
}

/** Starts a script of this folder and resolves to the first message it sends. */
async function start(script, ...args) {
  const child = fork(new URL(script, import.meta.url), args);
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${script} ${args.join(' ')} ended with code ${code} before it answered.`);
  });
  const [message] = await Promise.race([once(child, 'message'), failed]);
  failed.catch(() => {});
  return { child, message };
}

async function runRounds(port) {
  const names = Object.keys(variants);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another variant, so that none always runs after the same one.
    for (let turn = 0; turn < names.length; turn++) {
      const variant = names[(round + turn) % names.length];
      const load = { variant, port, callers, requests: requests * variants[variant].scale };
      const { child, message } = await start('client.mjs', JSON.stringify(load));
      if (child.exitCode === null) await once(child, 'exit');
      samples[variant].push(message);
    }
    console.error(`round ${round + 1} of ${rounds} done`);
  }
  return samples;
}

const upstream = await start('upstream.mjs');
const samples = await runRounds(upstream.message.port);
upstream.child.disconnect();

const about = machine();
const titles = Object.fromEntries(Object.entries(variants).map(([name, { title }]) => [name, title]));
const results = Object.fromEntries(cases.map(({ name }) => [name, summarize(samples, name)]));
console.log(`\nNode ${about.node}, ${about.platform}, ${about.cores} cores (${about.cpu})`);
console.log(
  `${callers} callers, medians of ${rounds} rounds, ratios to axios with the lowest and highest of a round\n`,
);
for (const { name, title } of cases) console.log(`${title}\n${table(results[name], titles)}\n`);
if (values.json !== undefined) {
  const report = { ...about, callers, rounds, requests, results, samples };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
