import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from 'pillion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Progress } from '../../examples/billing/report.js';
import { phases } from '../../examples/billing/scenario.js';
import { emptyTally } from '../../examples/billing/traffic.js';
import { main as configOverHttp } from '../../examples/config-over-http.js';
import { main as firstCall } from '../../examples/first-call.js';
import { main as manyEndpoints } from '../../examples/many-endpoints.js';
import { main as ownPolicy } from '../../examples/own-policy.js';
import { main as perCallOptions } from '../../examples/per-call-options.js';
import { main as refresh } from '../../examples/refresh.js';
import { main as rotation } from '../../examples/rotation.js';
import { main as unitTest } from '../../examples/unit-test.js';

const random = () => 0;

function collectingLogger() {
  const lines: Record<string, unknown>[] = [];
  const write = (fields: object) => lines.push({ ...fields });
  const logger: Logger = { debug: () => {}, info: write, warn: write, error: write };
  return { lines, logger };
}

/** Runs an example as `npm run examples` left it. */
const execute = (name: string, env: NodeJS.ProcessEnv = {}) =>
  promisify(execFile)(process.execPath, [`build/${name}.js`], { env: { ...process.env, ...env } });

describe('the examples', () => {
  it('first-call: a 503 is repeated, and one line tells of it', async () => {
    const { lines, logger } = collectingLogger();

    expect(await firstCall({ logger, random })).toEqual({ id: 'INV-1', total: 42 });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      client: 'billing',
      attempts: 2,
      flags: ['retried'],
      'http.response.status_code': 200,
    });
  });

  it('unit-test: the service gets its receipt after two failures', async () => {
    expect(await unitTest()).toBe('R-7');
  });

  it('per-call-options: each option does what its comment says', async () => {
    const { lines, logger } = collectingLogger();

    expect(await perCallOptions({ logger, random })).toEqual([
      'idempotencyKey: 201',
      'retry: false: 503',
      'retry: 200',
      'timeouts: ERR_ATTEMPT_TIMEOUT',
      'timeout: ECONNABORTED',
      'signal: ERR_CANCELED',
      'routeName: 200',
    ]);
    expect(lines.map(({ attempts }) => attempts)).toEqual([2, 1, 4, 1, 1, 1, 1]);
    expect(lines.at(-1)?.['url.template']).toBe('/invoices/{id}');
  });

  it('own-policy: every attempt is signed anew', async () => {
    const requests = await ownPolicy();

    expect(requests.map(({ headers }) => headers['x-time'])).toEqual(['1000', '1001']);
    for (const { headers } of requests) {
      const text = `put\n/invoices/INV-1\n${headers['x-time']}\n{"paid":true}`;
      const signature = createHmac('sha256', 'not-a-real-secret').update(text).digest('hex');
      expect(headers['x-signature']).toBe(signature);
    }
  });

  it('rotation: half a pair is refused, a whole one taken, and no call fails', async () => {
    const { lines, logger } = collectingLogger();

    expect(await rotation({ logger })).toEqual([
      'refused: tls.key (tls.key): it does not belong to the certificate in tls.crt.',
      'generation 2 is CN=shop',
      '0 of all calls failed',
    ]);
    expect(lines.filter(({ reason }) => reason)).toHaveLength(1);
  });

  it('many-endpoints: one of three dies, and no call fails', async () => {
    const { lines, logger } = collectingLogger();

    expect(await manyEndpoints({ logger })).toEqual([
      'who answers: a, b, c',
      'b is left out: consecutive_failures',
      'after the end of b: a, c',
      'with x-beta: canary',
    ]);
    const calls = lines.filter((line) => !('event.name' in line));
    expect(lines.filter((line) => !calls.includes(line))).toMatchObject([{ reason: 'consecutive_failures' }]);
    expect(calls).toHaveLength(180);
    expect(calls.filter((line) => line['http.response.status_code'] !== 200)).toEqual([]);
    // One went to b first, and says so.
    const moved = calls.filter(({ endpoints }) => (endpoints as string[] | undefined)?.length === 2);
    expect(moved.length).toBeGreaterThan(0);
    for (const line of moved) expect(line).toMatchObject({ attempts: 2, flags: ['retried'] });
  });

  it('refresh: what is good is applied, what is bad is refused, and calls go on', async () => {
    const { logger } = collectingLogger();

    expect(await refresh({ logger })).toEqual([
      'version 2: billing.timeouts.total 5000 -> 8000',
      'the invoice is paid',
      'rejected: 3:22 defaults.timeouts.total expected milliseconds or a string such as "250ms" or "1.5s"',
      'the invoice is paid',
      'version 3: billing.timeouts.total 8000 -> 9000',
      'the invoice is paid',
    ]);
  });

  it('config-over-http: what the server holds is loaded again only once it has changed', async () => {
    const { logger } = collectingLogger();

    expect(await configOverHttp({ logger })).toEqual([
      'timeouts.total: 1000 -> 4000',
      'timeouts.attempt: 1000 -> 2500',
      'loaded again once it had changed',
    ]);
  });

  it('four-clients: calls of five HTTP clients stop failing, and each has a log line', async () => {
    const { stdout, stderr } = await execute('four-clients/main');

    const rows = stdout.split('\n').filter((row) => / (serveSidecar|installFetch|createDispatcher) /.test(row));
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ['billing', 'axios (POST)', 'serveSidecar', '10', '60', '0', '72', '60'],
      ['stock', 'got', 'serveSidecar', '2', '70', '0', '72', '60'],
      ['ratings', 'fetch', 'installFetch', '10', '60', '0', '72', '60'],
      ['prices', 'undici.request', 'createDispatcher', '10', '60', '0', '72', '60'],
      ['texts', 'OpenAI', 'installFetch', '10', '60', '0', '72', '60'],
    ]);
    expect(stderr).toBe('');
  });

  it('run when they are executed directly', async () => {
    const names = ['first-call', 'unit-test', 'per-call-options', 'own-policy'];
    const others = ['many-endpoints', 'rotation', 'refresh', 'config-over-http'];
    const ended = await Promise.all([...names, ...others].map((name) => execute(name)));
    const [first, unit, options, own] = ended;

    expect(first?.stdout).toContain("{ id: 'INV-1', total: 42 }");
    expect(unit?.stdout).toBe('R-7\n');
    expect(options?.stdout).toContain('idempotencyKey: 201\n');
    expect(own?.stdout).toMatch(/^1 1000 [0-9a-f]{64}\n2 1001 [0-9a-f]{64}\n$/);
    // Each has a logger, so nothing is left for stderr.
    expect(ended.map(({ stderr }) => stderr).join('')).toBe('');
  });
});

describe('npm start', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'pillion-examples-'));
  let output: string;
  let errors: string;
  let seconds: number;

  beforeAll(async () => {
    const startedAt = performance.now();
    // A code other than 0 rejects.
    const { stdout, stderr } = await execute('billing', { TMPDIR: temporary });
    seconds = (performance.now() - startedAt) / 1000;
    output = stdout;
    errors = stderr;
  }, 30_000);
  afterAll(() => rmSync(temporary, { recursive: true }));

  /** Cells of a phase's row in the table. */
  const row = (phase: string) => {
    const table = output.slice(output.indexOf('what the callers got'));
    const line = table.split('\n').find((each) => each.trim().startsWith(`${phase} `)) ?? '';
    const [, calls, attempts, retries, , , outcomes] = line.trim().split(/ {2,}/);
    return { calls, attempts, retries, outcomes };
  };

  it('ends by itself within 15 seconds, without a warning', () => {
    expect(seconds).toBeLessThan(15);
    expect(errors).toBe('');
    expect(output).not.toMatch(/^ +at .+:\d+/m);
  });

  it('says at once what is shown, and tells of every phase as it passes', () => {
    expect(output.split('\n').slice(0, 2).join(' ')).toMatch(/billing API.*mutual TLS.*no Envoy/);
    const progress = output.slice(0, output.indexOf('what the callers got'));
    for (const { name, story } of phases) expect(progress).toMatch(new RegExp(`  ${name} .*calls.*retries.*${story}`));
    expect(output).not.toContain('\x1b');
  });

  it('shows failures repaired where that is safe, and only there', () => {
    expect(row('healthy')).toMatchObject({ calls: '200', outcomes: '200 x 200' });
    expect(row('503')).toMatchObject({ calls: '100', outcomes: '100 x 200' });
    expect(row('POST').outcomes?.split(', ').toSorted()).toEqual(['10 x 503', '70 x 200']);
    expect(row('reset').outcomes).toBe('60 x 200');
    expect(row('429').outcomes).toBe('40 x 200');
    expect(row('slow body').outcomes).toBe('20 x 200');
    expect(row('unlucky')).toEqual({ calls: '1', attempts: '4', retries: '3', outcomes: '1 x 200' });
  });

  it('shows the circuit opening in the outage and closing after it', () => {
    expect(row('outage').outcomes).toContain('x ERR_CIRCUIT_OPEN');
    expect(Number(row('outage').attempts)).toBeLessThan(100);
    expect(Number(/(\d+) x 200/.exec(row('recovery').outcomes ?? '')?.[1])).toBeGreaterThanOrEqual(150);
    const states = [...output.matchAll(/^ +[\d.]+ s {2}(open|half-open|closed):/gm)].map(([, state]) => state);
    expect(states[0]).toBe('open');
    expect(states.slice(-2)).toEqual(['half-open', 'closed']);
    expect(output).toContain('"state":"closed"');
  });

  it('shows the log lines of the unlucky call: one for each attempt and one for the call', () => {
    const lines = output.split('\n').filter((line) => line.startsWith('{'));
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);

    expect(new Set(parsed.map((line) => line.request_id)).size).toBe(1);
    const outcomes = parsed.map((line) => [line.attempts, line['http.response.status_code'] ?? line['error.type']]);
    expect(outcomes.slice(0, 4)).toEqual([
      [1, 503],
      [2, 'ECONNRESET'],
      [3, 'ERR_ATTEMPT_TIMEOUT'],
      [4, 200],
    ]);
    expect(parsed.slice(4)).toMatchObject([
      {
        'http.response.status_code': 200,
        'url.template': '/invoices/{id}',
        attempts: 4,
        flags: ['retried', 'timeout'],
      },
    ]);
  });

  it('shows that the API takes no client without a certificate, and that this is not retried', () => {
    const [code] = /(?<=turned away: ).*/.exec(output) ?? [];
    expect(code).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED (attempts: 1).');
    expect(output).toMatch(/\d+ requests, all from CN=shop$/m);
  });

  it('prints no key material, and leaves none behind', () => {
    expect(output).not.toContain('-----');
    expect(output).not.toMatch(/[A-Za-z0-9+/=]{60,}/);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('the progress of npm start', () => {
  it('is drawn over in place on a terminal, and never wraps', async () => {
    let written = '';
    const terminal = { isTTY: true, columns: 60, write: (text: string) => (written += text) };
    const tally = emptyTally({ ...phases[0], story: 'a story that is far too long for the terminal' } as never);

    await new Progress(terminal as unknown as NodeJS.WriteStream).watch(tally, async () => {
      tally.calls = 7;
    });

    const [before, line] = written.split('\r\x1b[2K');
    expect(before).toBe('');
    expect(line).toMatch(/^ {2}healthy {6}7 calls {3}0 retries {3}a story .*\n$/);
    expect(line).toHaveLength(60);
  });
});
