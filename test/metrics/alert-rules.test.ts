/** The alert rules and the dashboard, run by Prometheus's own rule engine over an outage as the exporters tell it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHttpClient } from 'pillion';
import { createPrometheus } from 'pillion/metrics';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { silent } from '../support/client.js';
import { begins, length, noteScrape, type Scraped, type SeriesValues, scrapeAnOutage } from './outage-series.js';

const missing = spawnSync('promtool', ['--version']).error !== undefined;
if (missing) {
  const advice = 'There is no promtool; install it (Debian: apt-get install prometheus).';
  if (process.env.CI) throw new Error(advice);
  console.warn(`The tests of the alert rules are skipped. ${advice}`);
}

const path = (name: string) => fileURLToPath(new URL(`../../examples/observability/${name}`, import.meta.url));
const rules = path('alerts.yaml');
const { panels } = JSON.parse(readFileSync(path('grafana-dashboard.json'), 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};
const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const { groups } = parse(readFileSync(rules, 'utf8')) as { groups: { rules: { alert: string }[] }[] };
const alerts = groups.flatMap((group) => group.rules.map(({ alert }) => alert));

const folder = mkdtempSync(join(tmpdir(), 'pillion-rules-'));
const minutes = Array.from({ length }, (_, minute) => minute);

/** The first and the last minute in which each alert fires. */
const expected = {
  // The outage, from minute 15 to minute 60, with the time that each rule waits.
  'OutboundErrors billing': [22, 64],
  'OutboundErrors orders': [22, 64],
  'OutboundErrors payments': [22, 64],
  'OutboundErrors stock': [22, 64],
  'OutboundErrors users': [22, 64],
  'OutboundSlow orders': [27, 64],
  'OutboundSlow search': [26, 64],
  'OutboundSlow stock': [26, 64],
  'CircuitOpen billing': [18, 60],
  'CircuitOpen orders': [20, 60],
  'RetryBudgetExhausted payments': [22, 64],
  'CallsTurnedAway stock': [22, 65],
  'NoUsableEndpoint users': [17, 60],
  'ConfigurationRefused shop:9464': [20, 59],
  // Its calls end in minute 17, with a circuit that nobody tries again.
  'CircuitOpen idle': [18, 21],
  // Forced open in minute 5, and back to auto in minute 70.
  'CircuitForced mesh open': [65, 69],
  // 2 of 90 days are left, until a new one comes in minute 30; 10 of 90 days, until minute 80.
  'CertificateEnds vault': [10, 29],
  'CertificateEndsSoon ledger': [60, 79],
  // Refused in minute 20.
  'IdentityRefused ledger': [20, 34],
};

const exporters = [
  ['series of createPrometheus', 'own'],
  ["series of the SDK's Prometheus exporter", 'sdk'],
] as const;

/** A query of the dashboard, as Grafana sends it. */
const inPanel = (expr: string) => expr.replaceAll('$client', '.*').replaceAll('$__rate_interval', '4m');

describe.skipIf(missing)('over an outage from minute 15 to minute 60', () => {
  let scraped: Scraped;
  beforeAll(async () => {
    const connections = await realConnections();
    vi.useFakeTimers({
      toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
      now: Date.parse('2026-03-01T12:00:00Z'),
    });
    try {
      scraped = await scrapeAnOutage(folder);
    } finally {
      vi.useRealTimers();
    }
    for (const series of [scraped.own, scraped.sdk])
      for (const minute of minutes) noteScrape(series, connections, minute);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(exporters)('%s', (_, exporter) => {
    it('make each alert fire when it should, and no other', () => {
      const found = query(scraped[exporter], ['ALERTS{alertstate="firing"}'], minutes);
      const fired = new Map<string, number[]>();
      for (const { minute, results } of found)
        for (const labels of results) {
          const key = ['alertname', 'client', 'state', 'instance'].flatMap(
            (label) => new RegExp(`[ {]${label}="([^"]*)"`).exec(labels)?.[1] ?? [],
          );
          fired.set(key.join(' '), [...(fired.get(key.join(' ')) ?? []), minute]);
        }
      const ranges = [...fired].map(([key, at]) => {
        expect(at, key).toEqual(minutes.slice(at[0], (at.at(-1) ?? 0) + 1));
        return [key, [at[0], at.at(-1)]];
      });
      expect(Object.fromEntries(ranges)).toEqual(expected);
    });

    it('have data for each query of the dashboard', () => {
      // Compared, so that NaN does not count.
      const asked = (expr: string) => `(${inPanel(expr)}) > -Inf`;
      const found = query(scraped[exporter], queries.map(asked), [20, 31]);
      expect(queries.filter((each) => !found.some(({ expr }) => expr === asked(each)))).toEqual([]);
    });
  });

  it('shows the first opening of a circuit and the first ejection in the first scrape after it', () => {
    const panels = queries.filter((expr) => /transitions|endpoint_ejections/.test(expr)).map(inPanel);
    const found = query(scraped.own, panels, [begins, begins + 1]);
    expect(found.map(({ minute, results }) => [minute, results.join()])).toEqual([
      [begins + 1, expect.stringContaining('{client="billing", state="open"}')],
      [begins + 1, expect.stringContaining('client="users", endpoint="10.0.0.1:80"')],
    ]);
  });

  it('fills in what each alert says', () => {
    const told = promtool(scraped.own, {
      alert_rule_test: alerts.flatMap((alertname) =>
        [28, 68].map((minute) => ({ alertname, eval_time: `${minute}m`, exp_alerts: [] })),
      ),
    });
    const summaries = [...told.matchAll(/Annotations:\{.*summary="((?:[^"\\]|\\.)*)"\}/g)].map(([, text]) => text);
    expect([...new Set(summaries)].toSorted()).toEqual([
      '100% of the calls of billing fail, its attempts mostly with 503.',
      '100% of the calls of orders fail, its attempts mostly with ERR_ATTEMPT_TIMEOUT.',
      '100% of the calls of payments fail, its attempts mostly with 503.',
      '100% of the calls of users fail, its attempts mostly with 503.',
      '50% of the calls of stock fail.',
      'A process of users has no usable endpoint.',
      'Changed certificates of ledger cannot be used.',
      'One in a hundred calls of orders takes more than 2 s.',
      'One in a hundred calls of search takes more than 2 s.',
      'One in a hundred calls of stock takes more than 2 s.',
      'The certificate of ledger ends in 10.0 days.',
      'The certificate of vault ends in 2.0 days.',
      'The circuit of billing to https://billing.test has not been closed for two minutes; its attempts fail mostly with 503.',
      'The circuit of orders to https://orders.test has not been closed for two minutes; its attempts fail mostly with ERR_ATTEMPT_TIMEOUT.',
      'The circuits of mesh have been forced open by hand for an hour.',
      'The limits of stock turn 0.3 calls a second away.',
      'The retry budget of payments is used up, so failed calls are not repeated.',
      'shop:9464 refuses the configuration it was given.',
    ]);
  });

  it('reads our OpenMetrics text', () => {
    const file = join(folder, 'openmetrics.txt');
    // What is imported needs a time.
    writeFileSync(file, scraped.texts.openMetrics.replace(/^([^#].*)$/gm, '$1 1700000000'));
    const { status, stdout, stderr } = spawnSync('promtool', [
      ...['tsdb', 'create-blocks-from', 'openmetrics'],
      ...[file, join(folder, 'blocks')],
    ]);
    expect([status, String(stderr)]).toEqual([0, '']);
    expect(String(stdout)).toContain('NUM SERIES');
  });

  it('takes rules and metrics as valid, and its linter objects to nothing but days', () => {
    expect(spawnSync('promtool', ['check', 'rules', rules]).status).toBe(0);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: scraped.texts.own });
    // Days are easier to read than seconds, and there they end the name in one exporter and not in another.
    const days = ['days_left', 'lifetime_days'].map(
      (name) => `pillion_client_certificate_${name} use base unit "seconds" instead of "days"\n`,
    );
    expect([status, `${stdout}${stderr}`]).toEqual([3, days.join('')]);
  });
});

/** The lines about connections, which no scripted wire has. */
async function realConnections(): Promise<string> {
  const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createHttpClient({ name: 'wire', baseURL }, { logger: silent });
  const prometheus = createPrometheus([client]);
  await client.get('/');
  const lines = prometheus.text().match(/^.*pillion_client_connections.*\n/gm) ?? [];
  prometheus.close();
  await client.close();
  server.close();
  return lines.join('');
}

interface Found {
  readonly expr: string;
  readonly minute: number;
  /** The label sets of the result. */
  readonly results: readonly string[];
}

/** Runs `promtool test rules` over the series and gives the results of queries, those without a result left out. */
function query(series: SeriesValues, exprs: readonly string[], at: readonly number[]): Found[] {
  // Promtool shows a result only where it is not the expected one, so nothing is expected.
  const promql_expr_test = exprs.flatMap((expr) =>
    at.map((minute) => ({ expr, eval_time: `${minute}m`, exp_samples: [] })),
  );
  const said = promtool(series, { promql_expr_test });
  const results = said.matchAll(/expr: (".*"), time: (?:(\d+)h)?(?:(\d+)m)?\d*s?,\s+exp: nil\s+got: (.*)$/gm);
  return [...results].map(([, expr = '', hours = 0, rest = 0, got = '']) => ({
    expr: JSON.parse(expr) as string,
    minute: Number(hours) * 60 + Number(rest),
    results: got.match(/\{.*?\} /g) ?? [got],
  }));
}

function promtool(series: SeriesValues, expected: object): string {
  const file = join(folder, 'test.yaml');
  const input_series = [...series].map(([name, values]) => ({
    series: name,
    values: Array.from(values, (value) => value ?? '_').join(' '),
  }));
  const tests = [{ interval: '1m', input_series, ...expected }];
  writeFileSync(file, JSON.stringify({ rule_files: [rules], evaluation_interval: '1m', tests }));
  const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  if (!/^ {2}(SUCCESS|FAILED)/m.test(stdout + stderr)) throw new Error(stdout + stderr);
  return stdout + stderr;
}
