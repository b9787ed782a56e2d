/** Three upstreams fail in three ways, as somebody on call meets it: read the log, open the page, and find out what is wrong. */
import { fileURLToPath } from 'node:url';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { createMockTransport, outage, type Reply } from 'pillion/testing';
import { pino } from 'pino';

const minute = 60_000;

/** Each fails for three of the five minutes, one after the other, and then is well again. */
const upstreams: readonly { readonly name: string; readonly from: number; readonly failure: Reply }[] = [
  { name: 'billing', from: 1 * minute, failure: 503 },
  { name: 'search', from: 1.2 * minute, failure: 'hang' },
  {
    name: 'users',
    from: 1.4 * minute,
    failure: { error: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND users.internal' },
  },
];
const lasts = 3 * minute;
const ends = 5 * minute;

export interface OutageRun {
  /** How many times as fast as in life everything happens, the client's own waits and time limits included. */
  readonly speed: number;
  /** Milliseconds for which calls go on and the page stays, once the five minutes are over. */
  readonly stay: number;
  readonly show: (text: string) => void;
}

export async function main({ speed, stay, show }: OutageRun, deps: HttpClientDeps = {}): Promise<void> {
  const scaled = (ms: number) => Math.max(1, Math.round(ms / speed));
  const clients = upstreams.map(({ name, from, failure }) => {
    const span = { from: scaled(from), to: scaled(from + lasts) };
    const reply = outage({ ...span, failure, otherwise: { delay: scaled(20), data: { ok: true } } });
    return createHttpClient(
      {
        name,
        baseURL: `https://${name}.internal`,
        // The defaults, only faster.
        timeouts: { total: scaled(10_000), attempt: scaled(2500) },
        retry: { backoff: { base: scaled(50), max: scaled(2000) } },
        circuitBreaker: { rollingWindow: scaled(10_000), resetTimeout: scaled(5000) },
        // No line for a call that simply went well.
        logging: { successSampleRate: 0 },
      },
      { transport: createMockTransport([{ path: /./, reply }]), ...deps },
    );
  });

  await using admin = createAdmin(clients, { writable: true });
  show(`The page: ${(await admin.listen()).url} (five minutes go by in ${Math.round(ends / speed / 1000)} s)`);

  const calls = setInterval(() => {
    for (const client of clients) client.get('/status', { routeName: '/status' }).catch(() => {});
  }, scaled(200));
  await pause(scaled(ends));
  show(`The five minutes are over; the page stays for ${Math.round(stay / 1000)} s, or until you press Ctrl+C.`);
  await pause(stay);
  clearInterval(calls);
  await Promise.all(clients.map((client) => client.close({ grace: 0 })));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , speed = '10', stay = '600'] = process.argv;
  await main({ speed: Number(speed), stay: Number(stay) * 1000, show: console.log }, { logger: pino() });
}
