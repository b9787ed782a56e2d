/** What the Envoy container did before and what the library did here, in the numbers of this run. */
import type { Tally } from './scenario.js';

export interface Run {
  readonly tallies: readonly Tally[];
  /** Requests the API saw, by the name on the client certificate. */
  readonly seen: ReadonlyMap<string, number>;
  /** Lines of finished calls. */
  readonly lines: number;
}

export function conclusion({ tallies, seen, lines }: Run): string {
  const calls = total(tallies, ({ calls }) => calls);
  const retries = total(tallies, ({ retries }) => retries);
  const spared = total(tallies, ({ outcomes }) => outcomes.get('ERR_CIRCUIT_OPEN') ?? 0);
  const requests = [...seen].map(([name, count]) => `${count} requests, all from CN=${name}`).join(', ');
  const rows: [string, string][] = [
    ['Envoy, in a container beside the service', 'pillion, inside the service'],
    ['retry_on, num_retries, retry_back_off', `${retries} retries at random waits; a POST has to have a key for that`],
    ['per_try_timeout, connect_timeout', 'hangs and endless bodies cut off after 1.5 s, then repeated'],
    ['max_connections, max_pending_requests, max_retries', 'the same limits'],
    ['(nothing in its file)', `a circuit that kept ${spared} calls away from an API that was down`],
    ['tls_certificates', `mutual TLS, the server's name checked: ${requests}`],
    ['access log, x-request-id, attempt count', `${lines} log lines for ${calls} calls, with the same ids`],
    ['one more hop, container and file to keep', 'none: the service speaks to the API itself'],
  ];
  const width = Math.max(...rows.map(([before]) => before.length));
  return rows.map(([before, now]) => `  ${before.padEnd(width)}  ${now}`).join('\n');
}

function total(tallies: readonly Tally[], count: (tally: Tally) => number): number {
  return tallies.reduce((sum, tally) => sum + count(tally), 0);
}
