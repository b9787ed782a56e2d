/** The example programs: each does what its comments say. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { context, propagation, trace } from '@opentelemetry/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { main as admin } from '../../examples/admin.js';
import { main as daprPublish } from '../../examples/dapr-publish.js';
import { main as download } from '../../examples/download.js';
import { main as idempotentPayment } from '../../examples/idempotent-payment.js';
import { main as openTelemetry } from '../../examples/open-telemetry.js';
import { main as sdkFetch } from '../../examples/sdk-fetch.js';
import { root } from '../package/run.js';
import { silent } from '../support/client.js';

const deps = { logger: silent, random: () => 0 };

describe('the example', () => {
  it('dapr-publish: nothing is published twice by us, and a subscriber knows what it has handled', async () => {
    expect(await daprPublish(deps)).toEqual([
      'order 1: the broker has it',
      'order 2: 500, perhaps sent',
      '2 requests, 3 deliveries, 2 orders handled',
    ]);
  });

  it('idempotent-payment: a lost answer is one charge', async () => {
    expect(await idempotentPayment(deps)).toEqual([
      'charge ch_1: 1 time',
      'another amount with its key: 422',
      'without a key: 200',
      'attempts: 4',
    ]);
  });

  it('download: a broken connection is taken up where it broke, and the bar only grows', async () => {
    const bars: number[] = [];
    const bar = (text: string) => void bars.push(Number(/(\d+) %/.exec(text)?.[1]));
    expect(await download(deps, bar)).toEqual(['3000000 bytes in 2 parts', 'the same as was sent: true']);
    expect(bars.toSorted((a, b) => a - b)).toEqual(bars);
    expect(bars.at(-1)).toBe(100);
  });

  it('sdk-fetch: the SDK gets its answers, whole and as a stream, a 503 in between', async () => {
    expect(await sdkFetch(deps)).toEqual(['models: small-model', 'streamed: Hello, world', 'attempts: 3']);
  });

  it('open-telemetry: a span for each attempt and one for the call, and the metrics', async () => {
    // The example registers its provider for the whole process, which other test files share.
    onTestFinished(() => {
      for (const api of [trace, context, propagation]) api.disable();
    });
    expect(await openTelemetry(deps)).toEqual([
      'span GET /invoices/{id}: 503',
      'span GET /invoices/{id}: 200, resend 1',
      'span call GET /invoices/{id}: 200',
      'pillion.client.attempts 503: 1',
      'pillion.client.attempts ok: 1',
      'pillion.client.retries 503: 1',
    ]);
  });

  it('admin: answers while it is called', async () => {
    const told: string[] = [];
    expect(await admin(0.3, (text) => told.push(text))).toEqual(['ready: up', 'metrics: true']);
    expect(told).toEqual([expect.stringMatching(/^open http:\/\/127\.0\.0\.1:\d+\/ /)]);
  });

  it('outage: three circuits open, each line says why, and all close again', async () => {
    // A hundred times as fast as in life, and the page does not stay.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['build/outage.js', '100', '0'], {
      cwd: root,
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^The page: http:\/\/127\.0\.0\.1:\d+\/ /);
    const events = stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
    const first = (name: string) =>
      ['billing', 'search', 'users'].map((client) =>
        events.find((each) => each.client === client && each['event.name'] === name),
      );
    expect(first('pillion.circuit.opened').map((line) => line?.cause)).toEqual([
      '503',
      'ERR_ATTEMPT_TIMEOUT',
      'ENOTFOUND',
    ]);
    for (const line of first('pillion.circuit.closed')) expect(line?.open_for_ms).toBeGreaterThan(1000);
  });

  it.each(['dapr-publish', 'idempotent-payment', 'download', 'sdk-fetch', 'open-telemetry'])(
    '%s runs when it is executed directly',
    async (name) => {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [`build/${name}.js`], { cwd: root });
      expect(stdout.length).toBeGreaterThan(20);
      expect(stderr).toBe('');
    },
  );
});
