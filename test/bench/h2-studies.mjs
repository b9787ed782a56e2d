/** HTTP/2 over one connection: small calls, and bodies of 10 MiB. */
import { writeCertificates } from './certificates.mjs';
import { h2Variants } from './h2-variants.mjs';
import { summarize, table } from './report.mjs';
import { answerOf, start } from './start.mjs';

const titles = Object.fromEntries(Object.entries(h2Variants).map(([name, { title }]) => [name, title]));

/** Runs every client with each load, in turns; resolves to the rows of each load. */
async function compared(loads, { rounds, seconds }) {
  const { remove, ...tls } = await writeCertificates();
  const { child, message } = await start('h2-upstream.mjs', { tls }, { role: 'upstream' });
  const names = Object.keys(h2Variants);
  const found = {};
  try {
    for (const [title, { port, ...load }] of Object.entries(loads)) {
      const samples = Object.fromEntries(names.map((name) => [name, []]));
      for (let round = 0; round < rounds; round++)
        for (let turn = 0; turn < names.length; turn++) {
          const variant = names[(round + turn) % names.length];
          const options = { variant, ...load, port: message[port], tls, seconds };
          samples[variant].push(await answerOf('h2-client.mjs', options, { role: 'client' }));
        }
      found[title] = summarize(samples);
    }
  } finally {
    child.disconnect();
    remove();
  }
  return found;
}

const print = (found) =>
  Object.entries(found)
    .map(([title, rows]) => `  ${title}\n${table(rows, titles)}`)
    .join('\n');

const small = (callers) => ({
  title: `GET over HTTP/2 with mutual TLS, 100 bytes of JSON back, ${callers} callers on one connection; ratios to node:http2`,
  run: (options) => compared({ GET: { port: 'smallPort', name: 'get-1', callers } }, options),
  print,
});

const bodies = Object.fromEntries(
  ['download-10m', 'download-10m-stream', 'upload-10m-stream'].map((name) => [
    name,
    { port: 'bodyPort', name, callers: 4 },
  ]),
);

export const h2Studies = {
  'h2-50': small(50),
  'h2-500': small(500),
  'h2-bodies': {
    title: 'bodies of 10 MiB over HTTP/2 with mutual TLS, 4 callers on one connection; ratios to node:http2',
    run: (options) => compared(bodies, options),
    print,
  },
};
