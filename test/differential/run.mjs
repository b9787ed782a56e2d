/** `npm run envoy [word in an id or title] [--write] [--keep]`: the differential with a real Envoy. `--json` prints its rows. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cases, quickCases, throughListenerToo } from './cases/index.mjs';
import { differential } from './differential.mjs';
import { installEnvoy, version } from './envoy.mjs';
import { cell, page, summaryOf } from './page.mjs';

const flag = { type: 'boolean', default: false };
const { values, positionals } = parseArgs({
  options: { write: flag, keep: flag, json: flag, quick: flag },
  allowPositionals: true,
});
const wanted = (values.quick ? quickCases : cases).filter(({ id, title }) =>
  positionals.every((word) => `${id} ${title}`.toLowerCase().includes(word.toLowerCase())),
);

async function main() {
  let binary;
  try {
    binary = await installEnvoy();
  } catch (error) {
    console.log(
      values.json ? JSON.stringify({ skipped: error.message }) : `Skipped: there is no Envoy, ${error.message}.`,
    );
    return;
  }
  const startedAt = Date.now();
  const throughListener = (id) => !values.quick || throughListenerToo.test(id);
  const rows = await differential(binary, wanted, { keep: values.keep, throughListener });
  if (values.json) return console.log(JSON.stringify({ rows }));
  for (const { id, side, verdict, note, found } of rows)
    if (verdict !== 'same')
      console.log(
        `${verdict.padEnd(9)} ${side.padEnd(8)} ${id}: Envoy ${cell(found, 'envoy')}; here ${cell(found, 'ours')} (${note})`,
      );
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
  console.log(`\nEnvoy ${version}, ${summaryOf(rows)}, ${seconds} s`);
  if (values.write && positionals.length === 0)
    writeFileSync(new URL('../../docs/envoy.md', import.meta.url), page(rows, version));
  if (rows.some(({ verdict }) => verdict === 'different')) process.exitCode = 1;
}

// So that the handlers of `exit` end Envoy.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
await main();
