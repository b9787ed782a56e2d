/** HTTP/2 over one connection: small calls, bodies of 10 MiB, and a far link; TLS where connections change all the time. */
import { writeCertificates } from './certificates.mjs';
import { farLink, roundTrip } from './far-link.mjs';
import { h2Variants } from './h2-variants.mjs';
import { align, digits, median, summarize, table } from './report.mjs';
import { answerOf, start } from './start.mjs';

const titles = Object.fromEntries(Object.entries(h2Variants).map(([name, { title }]) => [name, title]));

/** Runs every client with each load, in turns; resolves to the rows of each load. */
async function compared(loads, { rounds, seconds, warmth }) {
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
          const options = { variant, ...load, port: message[port], tls, seconds, warmth };
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

async function farDownloads() {
  const { remove, ...tls } = await writeCertificates();
  const { child, message } = await start('h2-upstream.mjs', { tls }, { role: 'upstream' });
  try {
    const port = await farLink(message.bodyPort);
    const rows = {};
    // axios has the windows of node:http2, and policies have no part in this.
    for (const variant of ['http2', 'undici', 'off'])
      rows[variant] = await answerOf('h2-far-client.mjs', { variant, port, tls }, { role: 'client' });
    return rows;
  } finally {
    child.disconnect();
    remove();
  }
}

function printFar(rows) {
  const cells = Object.entries(rows).map(([name, { cold, warm, download }]) => [
    titles[name],
    ...[cold, warm, download].map((value) => value.toFixed(1)),
    (10 / (download - 1)).toFixed(2),
  ]);
  const columns = ['round trips of', 'a first call', 'a second', '10 MiB', 'MiB per round trip of the body'];
  return align([columns, ...cells]);
}

const turnovers = {
  axios: 'axios, no session is kept',
  'axios-resumed': 'axios',
  undici: 'undici.request',
  pillion: 'pillion, every policy off, HTTP/1.1',
  'pillion-h2': 'pillion, every policy off, HTTP/2',
};

async function turnover({ rounds, seconds }) {
  const { remove, ...tls } = await writeCertificates();
  const { child, message } = await start('tls-upstream.mjs', { tls }, { role: 'upstream' });
  const names = Object.keys(turnovers);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  try {
    for (let round = 0; round < rounds; round++)
      for (let turn = 0; turn < names.length; turn++) {
        const variant = names[(round + turn) % names.length];
        const options = { variant, port: message.port, tls, seconds };
        samples[variant].push(await answerOf('tls-turnover.mjs', options, { role: 'client', flags: ['--expose-gc'] }));
      }
  } finally {
    child.disconnect();
    remove();
  }
  return Object.fromEntries(
    names.map((name) => {
      const of = (field) => median(samples[name].map((each) => each[field]));
      const fields = ['throughput', 'cpu', 'busy', 'seldom'];
      return [name, Object.fromEntries(fields.map((field) => [field, of(field)]))];
    }),
  );
}

function printTurnover(rows) {
  const { axios } = rows;
  const cells = Object.entries(rows).map(([name, { throughput, cpu, busy, seldom }]) => [
    turnovers[name],
    ...[digits(throughput), `${(throughput / axios.throughput).toFixed(2)}x`],
    ...[digits(cpu), `${(cpu / axios.cpu).toFixed(2)}x`],
    ...[busy, seldom].map((share) => `${(share * 100).toFixed(0)} %`),
  ]);
  return align([['', 'calls/s', 'ratio', 'CPU us/call', 'ratio', 'resumed', 'a collection between two'], ...cells]);
}

async function turns({ rounds }) {
  const { remove, ...tls } = await writeCertificates();
  const { child, message } = await start('h2-upstream.mjs', { tls }, { role: 'upstream' });
  const rows = {};
  try {
    for (const callers of [1, 50, 500])
      rows[callers] = await answerOf(
        'h2-turns.mjs',
        { callers, port: message.smallPort, tls, rounds },
        { role: 'client' },
      );
  } finally {
    child.disconnect();
    remove();
  }
  return rows;
}

function printTurns(rows) {
  const cells = Object.keys(h2Variants).map((name) => [
    titles[name],
    ...Object.values(rows).flatMap((cpu) => [digits(cpu[name]), `${(cpu[name] / cpu.http2).toFixed(2)}x`]),
  ]);
  return align([['', ...Object.keys(rows).flatMap((callers) => [`${callers} callers`, 'ratio'])], ...cells]);
}

export const h2Studies = {
  'h2-turns': {
    title:
      'CPU (us) of a small GET over HTTP/2 with mutual TLS, all clients in one process and in turns, lower quartile',
    run: turns,
    print: printTurns,
  },
  'h2-50': small(50),
  'h2-500': small(500),
  'h2-bodies': {
    title: 'bodies of 10 MiB over HTTP/2 with mutual TLS, 4 callers on one connection; ratios to node:http2',
    run: (options) => compared(bodies, options),
    print,
  },
  'h2-far-link': {
    title: `HTTP/2 with mutual TLS over a link of ${roundTrip} ms a round trip, each client with its standard windows`,
    run: farDownloads,
    print: printFar,
  },
  'tls-turnover': {
    title: 'mutual TLS 1.3 with one request for each connection, 8 callers',
    run: turnover,
    print: printTurnover,
  },
};
