/** Runs the simulations, prints what they show and draws it: `npm run sim [word in a title]`. With `--json` it only prints. */
import { writeFileSync } from 'node:fs';
import { plot } from './plot.mjs';
import { scenarios } from './scenarios.mjs';

const args = process.argv.slice(2);
const json = args.includes('--json');
const wanted = args.find((each) => each !== '--json')?.toLowerCase() ?? '';
let failed = 0;
for (const { title, run } of scenarios.filter((each) => each.title.toLowerCase().includes(wanted))) {
  const startedAt = process.hrtime.bigint();
  const { claims, plots } = await run();
  if (json) {
    console.log(JSON.stringify({ claims }));
    continue;
  }
  const seconds = Number((process.hrtime.bigint() - startedAt) / 1_000_000n) / 1000;
  console.log(`\n${title} (${seconds.toFixed(1)} s)`);
  for (const { what, text, holds } of claims) {
    console.log(`  ${holds ? 'ok  ' : 'FAIL'} ${what}: ${text}`);
    if (!holds) failed++;
  }
  for (const each of plots) writeFileSync(new URL(`plots/${each.name}.svg`, import.meta.url), plot(each));
}
process.exitCode = failed > 0 ? 1 : 0;
