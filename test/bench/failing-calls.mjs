/** What calls cost that fail, and that an open circuit turns away, beside those that succeed: in one process, in turns. */
import axios from 'axios';
import { createHttpClient } from 'pillion';
import { nowhere } from './axios-variants.mjs';
import { median } from './report.mjs';
import { answering, cpuOf, inTurns } from './stub.mjs';

const { outcomes, rounds, calls } = JSON.parse(process.argv[2]);
const baseURL = 'http://billing.test';

/** Retries are refused at once, so that no call waits; what is refused is part of what a failure costs. */
const retry = { budget: { ratio: 0, minPerSecond: 0 } };
/** The window keeps every outcome and the circuit stays closed. */
const closed = { circuitBreaker: { volumeThreshold: 1_000_000, rollingWindow: '10m' } };
const open = { circuitBreaker: { resetTimeout: '10m' } };

const clientWith = (status, config) =>
  createHttpClient({ name: 'billing', baseURL, retry, ...config }, { logger: nowhere(), transport: answering(status) });

/** A call whose outcome is checked. */
const expecting = (instance, expected) => async () => {
  const code = await instance.get('/json').then(
    () => undefined,
    (error) => error.code,
  );
  if (code !== expected) throw new Error(`Expected ${expected}, had ${code}.`);
};

/** A client whose window has so many outcomes. */
async function filled(status, expected) {
  const once = expecting(clientWith(status, closed), expected);
  await cpuOf(once, outcomes);
  return once;
}

async function opened(config) {
  const client = clientWith(503, { ...open, ...config });
  await cpuOf(() => client.get('/json').catch(() => {}), 100);
  return expecting(client, 'ERR_CIRCUIT_OPEN');
}

const bare = (status) => axios.create({ baseURL, adapter: answering(status) });
const forms = {
  succeeds: await filled(200),
  'fails with 503': await filled(503, 'ERR_BAD_RESPONSE'),
  'turned away, no log line': await opened({ logging: false }),
  'turned away, aggregated log line': await opened(),
  'axios alone: succeeds': expecting(bare(200)),
  'axios alone: fails with 503': expecting(bare(503), 'ERR_BAD_RESPONSE'),
};
const taken = await inTurns(forms, (once) => cpuOf(once, calls), { rounds, warmUp: 3 });
const cpu = Object.fromEntries(Object.entries(taken).map(([name, values]) => [name, median(values)]));
process.send(cpu, () => process.exit());
