/** What a call in flight keeps alive, in a process of its own: through one variant and real sockets, or over a wire that holds. */
import { setTimeout as wait } from 'node:timers/promises';
import axios from 'axios';
import { createHttpClient } from 'pillion';
import { bytesAlive, heldWire } from './alive.mjs';
import { nowhere } from './axios-variants.mjs';
import { answer } from './cases.mjs';
import { bareWire, fullStack, many, nothing } from './pillion-variants.mjs';
import { start } from './start.mjs';
import { variants } from './variants.mjs';

const { variant, section, scenario, count } = JSON.parse(process.argv[2]);

/** So long that a busy machine opens its thousands of connections in it. */
const patient = { timeouts: { attempt: '2m', total: '3m' } };

const configs = {
  off: () => nothing,
  // One section of the configuration with its defaults.
  only: () => ({ ...nothing, [section]: section === 'limits' ? many.limits : undefined }),
  without: () => ({ ...many, [section]: false }),
  full: () => many,
};

function overHeldWire() {
  const wire = heldWire(answer);
  const baseURL = 'http://billing.test';
  if (scenario === 'wire') {
    const config = { url: '/held', baseURL, method: 'get' };
    return bytesAlive(() => wire.transport({ ...config }), count, wire);
  }
  const instance =
    scenario === 'axios'
      ? axios.create({ baseURL, adapter: wire.transport })
      : createHttpClient(
          { name: 'billing', baseURL, ...configs[scenario]() },
          { logger: nowhere(), transport: wire.transport },
        );
  return bytesAlive(() => instance.get('/held'), count, wire);
}

async function overSockets() {
  const { child, message } = await start('upstream.mjs', {}, { role: 'upstream' });
  const asked = (word) => {
    child.send(word);
    return new Promise((resolve) => {
      child.once('message', resolve);
    });
  };
  const makers = { wire: bareWire, pillion: (target) => fullStack(target, patient) };
  const make = makers[variant] ?? variants[variant].make;
  const prepare = await make({ origin: `http://127.0.0.1:${message.port}` });
  const send = prepare({ method: 'GET', path: '/held', answer: 'json' });
  const arrived = async () => {
    while ((await asked('held')) < count) await wait(20);
  };
  const found = await bytesAlive(send, count, { arrived, release: () => asked('release') });
  child.disconnect();
  return found;
}

const found = await (variant === undefined ? overHeldWire() : overSockets());
process.send(found, () => process.exit());
