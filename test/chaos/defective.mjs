/** Runs some calls through each broken client, without a network, and prints what was counted, each as a line of JSON: `node defective.mjs`. */
import { Readable } from 'node:stream';
import { makeCall } from './call.mjs';
import { defects } from './defects.mjs';
import { before, leftovers } from './leaks.mjs';
import { Ledger } from './ledger.mjs';
import { planOf } from './plan.mjs';
import { answerTo } from './servers/answers.mjs';
import { Reception } from './servers/asked.mjs';
import { countUncaught } from './uncaught.mjs';

const callers = 6;

let ledger = new Ledger();
countUncaught({ count: (...what) => ledger.count(...what) });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Plans without faults of anybody else. */
function plainPlan(index) {
  const plan = planOf(1, index);
  const { nonce } = plan.asked;
  const asked = { ...plan.asked, status: 200, size: 1000, coding: 'identity', fault: 'none', upload: { size: 40 } };
  return {
    ...plan,
    ...{ way: 'axios', lane: 'fast', method: 'POST', total: 100, calm: true, keyed: false, mayFail: false },
    ...{ abort: { by: 'nothing' }, options: {}, asked, upload: { kind: 'bytes', size: 40 } },
    reading: ['buffer', 'text', 'all', 'events', 'pipe', 'half'][index % 6],
    nonce,
  };
}

const honestWire =
  (reception) =>
  async ({ method, url, data }) => {
    const arrived = reception.arrived({ method, path: url, headers: {} });
    arrived.take(data);
    reception.served(arrived);
    await pause(1);
    const { status, headers, content } = answerTo(arrived);
    return { status, headers, bytes: content };
  };

const clientOver = (wire) => ({
  async request(options) {
    const { status, headers, bytes, run = (work) => work() } = await wire(options);
    const { responseType } = options;
    if (responseType !== 'stream')
      return { status, headers, data: responseType === 'text' ? bytes.latin1Slice() : bytes };
    const chunks = [bytes, null];
    const data = new Readable({ read: () => run(() => setImmediate(() => data.push(chunks.shift()))) });
    return { status, headers, data };
  },
});

async function counted({ calls = 60, wire = (honest) => honest, mend = () => {} }) {
  ledger = new Ledger();
  const then = await before();
  const reception = new Reception();
  const patient = new AbortController().signal;
  const client = clientOver(wire(honestWire(reception), { patient }));
  const world = { ledger, patient, slack: 1500, clients: { get: () => client }, openBodies: new Map() };
  let next = 0;
  const caller = async () => {
    while (next < calls) await makeCall(plainPlan(next++), world);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  for (const key of reception.doubled()) ledger.count('doubled', undefined, key);
  await pause(5);
  for (const leak of (await leftovers(then, { patient }, 20)).found) ledger.count('leaked', undefined, leak);
  mend();
  return Object.keys(ledger.counts).filter((kind) => ledger.counts[kind] > 0);
}

for (const [name, defect] of Object.entries(defects)) {
  const expected = Object.keys(ledger.counts).filter((kind) => kind === defect.kind || kind === defect.also);
  console.log(JSON.stringify({ name, expected, counted: await counted(defect) }));
}
