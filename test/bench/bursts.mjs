/** Many calls on a pool without connections: how long they take, how many fail, and how many connections are opened. */
import { writeCertificates } from './certificates.mjs';
import { align, digits, median } from './report.mjs';
import { answerOf, start } from './start.mjs';

const titles = { agent: 'http.Agent of Node', undici: 'undici.request', pillion: 'pillion, every policy off' };

const loads = {
  'plain, answered at once': { kind: 'plain', wait: 0 },
  'plain, answered in 50 ms': { kind: 'plain', wait: 50 },
  'mutual TLS, answered at once': { kind: 'mtls', wait: 0 },
  'mutual TLS, answered in 50 ms': { kind: 'mtls', wait: 50 },
  'mutual TLS, answered in 500 ms': { kind: 'mtls', wait: 500 },
  // A rate goes on for a quarter of a second, as a client without a bound never catches up.
  'mutual TLS, 2,000 calls a second, connect timeout 250 ms': {
    kind: 'mtls',
    wait: 0,
    rate: 2000,
    connectTimeout: 250,
  },
};

export async function bursts({ quick, rounds }) {
  const { remove, ...tls } = await writeCertificates();
  const { child, message: ports } = await start('burst-upstream.mjs', { tls }, { role: 'upstream' });
  const found = {};
  try {
    for (const [title, load] of Object.entries(loads)) {
      const samples = Object.fromEntries(Object.keys(titles).map((variant) => [variant, []]));
      for (let round = 0; round < rounds; round++)
        for (const variant of Object.keys(titles)) {
          const amount = { calls: quick ? 50 : 500, seconds: quick ? 0.05 : 0.25, bursts: quick ? 1 : 2 };
          const options = { connectTimeout: 10_000, ...load, ...amount, variant, ports, tls };
          samples[variant].push(...(await answerOf('burst.mjs', options, { role: 'client' })));
        }
      found[title] = Object.fromEntries(Object.entries(samples).map(([variant, taken]) => [variant, ofAll(taken)]));
    }
  } finally {
    child.disconnect();
    remove();
  }
  return found;
}

const ofAll = (taken) =>
  Object.fromEntries(Object.keys(taken[0]).map((field) => [field, median(taken.map((each) => each[field]))]));

export function printBursts(found) {
  const columns = ['p50 ms', 'p99 ms', 'of undici', 'last ms', 'CPU ms', 'of undici', 'failed', 'connections'];
  return Object.entries(found)
    .map(([title, rows]) => {
      const { undici } = rows;
      const cells = Object.entries(rows).map(([variant, { p50, p99, last, cpu, failed, connections }]) => [
        titles[variant],
        ...[digits(p50), digits(p99), `${(p99 / undici.p99).toFixed(2)}x`, digits(last)],
        ...[digits(cpu), `${(cpu / undici.cpu).toFixed(2)}x`, digits(failed), digits(connections)],
      ]);
      return `  ${title}\n${align([['', ...columns], ...cells])}`;
    })
    .join('\n');
}
