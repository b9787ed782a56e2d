/** The billing call without its sidecar: `npm start`. */
import { makeCertificates } from './billing/certificates.js';
import { openClients } from './billing/clients.js';
import { conclusion } from './billing/conclusion.js';
import { recordHistory } from './billing/history.js';
import { openLogBook } from './billing/log-book.js';
import { Progress, table } from './billing/report.js';
import { phases } from './billing/scenario.js';
import { callAsStranger } from './billing/stranger.js';
import { emptyTally, runPhase } from './billing/traffic.js';
import { startUpstream } from './billing/upstream.js';

async function main(): Promise<void> {
  const certificates = await makeCertificates('billing.internal');
  const upstream = await startUpstream(certificates);
  const book = openLogBook();
  const clients = openClients(upstream.url, certificates, book.logger);
  const client = clients.get('billing_upstream');

  console.log(
    'A service calls a billing API over mutual TLS, and the API fails in every way it can (about 8 seconds).',
  );
  console.log(
    'Retries, timeouts, limits, circuit, TLS and logs are inside the service: no Envoy container beside it.\n',
  );
  console.log(
    `  A client without a certificate is turned away: ${await callAsStranger(upstream.url, certificates)}.\n`,
  );

  const history = recordHistory(client);
  const tallies = phases.map(emptyTally);
  const progress = new Progress(process.stdout);
  for (const tally of tallies) {
    upstream.follow(tally.phase.script);
    await progress.watch(tally, () => runPhase(client, tally));
  }
  const { policies } = client.stats();
  await clients.close();
  upstream.close();

  console.log(`\n${table(tallies)}\n`);
  console.log(`The circuit over time:\n  ${history.join('\n  ')}\n`);
  console.log('At the end, from client.stats():');
  for (const name of ['circuitBreaker', 'retry', 'wire']) console.log(`  ${name} ${JSON.stringify(policies[name])}`);
  console.log(`\nThe log lines of the unlucky call, one for each attempt and one for the call:\n`);
  console.log(`${book.linesOfCall(4).join('\n')}\n`);
  console.log(conclusion({ tallies, seen: upstream.seen, lines: book.calls() }));
}

// Ctrl-C ends the process the orderly way, so that the certificates' files go too.
process.once('SIGINT', () => process.exit(130));
await main();
