/** The clients of `h2-variants.mjs` in one process and in turns: CPU of a small call, where a busy machine disturbs all alike. */
import { cases } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { h2Variants } from './h2-variants.mjs';
import { cpuOfBurst } from './load.mjs';
import { inTurns } from './stub.mjs';

const { callers, port, tls, rounds } = JSON.parse(process.argv[2]);
const { request } = cases.find(({ name }) => name === 'get-1');
const calls = Math.max(300, callers * 4);

const forms = Object.fromEntries(
  Object.entries(h2Variants).map(([name, { make }]) => [
    name,
    exchange(make({ origin: `https://localhost:${port}`, tls })(request), request),
  ]),
);
const taken = await inTurns(forms, cpuOfBurst(callers, calls), { rounds: rounds * 10, warmUp: 10 });
// What others take of the machine is only ever added: the lower quartile tells more than the median.
const quartile = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 4)];
const cpu = Object.fromEntries(Object.entries(taken).map(([name, values]) => [name, quartile(values)]));
process.send(cpu, () => process.exit());
