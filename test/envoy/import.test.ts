import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkText } from '../../src/cli/checks/configuration.js';
import { importEnvoy } from '../../src/envoy/import.js';
import { formatReport } from '../../src/envoy/report.js';

const folder = new URL('bootstraps/', import.meta.url);
const files = readdirSync(folder).filter((name) => !name.includes('expected'));

const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');
const stem = (name: string) => name.replace(/\.\w+$/, '');

describe.each(files)('%s', (name) => {
  const { config, yaml, report } = importEnvoy(read(name), name);

  it('becomes this file of clients', async () => {
    await expect(yaml).toMatchFileSnapshot(`bootstraps/${stem(name)}.expected.yaml`);
    expect(parse(yaml)).toEqual(config);
  });

  it('is reported on like this', async () => {
    await expect(formatReport(report, name)).toMatchFileSnapshot(`bootstraps/${stem(name)}.expected.txt`);
  });

  it('becomes a file that passes the check, certificates and environment aside', () => {
    const { errors, clients } = checkText(yaml, 'clients.yaml', { env: {}, withoutEnv: true, files: false });
    if (Object.keys(config.clients).length > 0) expect(errors).toEqual([]);
    expect(clients).toEqual(Object.keys(config.clients));
  });

  it('has its lines in place, none twice', () => {
    const lines = read(name).split('\n');
    for (const { line, column } of report) expect(lines[line - 1]?.length).toBeGreaterThanOrEqual(column - 1);
    expect(new Set(report.map((line) => JSON.stringify(line))).size).toBe(report.length);
  });
});

describe('the billing scenario', () => {
  const { config, report } = importEnvoy(read('billing.yaml'), 'billing.yaml');

  it('is mapped whole', () => {
    expect(report.filter(({ status }) => status === 'unmapped')).toEqual([]);
    expect(config.clients.billing_upstream).toMatchObject({
      baseURL: 'https://billing.internal',
      timeouts: { connect: '250ms', attempt: '1.5s', total: '15s' },
      retry: {
        maxRetries: 3,
        on: ['5xx', 'gateway-error', 'reset'],
        backoff: { base: '50ms', max: '1s' },
        maxConcurrentRetries: 50,
      },
      limits: { maxPendingRequests: 100 },
      connections: { maxConnections: 200 },
      tls: { cert: '/etc/certs/tls.crt', key: '/etc/certs/tls.key' },
    });
  });

  it('comes with two warnings: the server was never verified, POSTs were being retried', () => {
    const warnings = report.filter(({ status }) => status === 'warning').map(({ note }) => note);
    expect(warnings).toEqual([
      expect.stringContaining('POST requests were retried'),
      expect.stringContaining('the server was never verified'),
    ]);
  });
});

describe('a text that is no bootstrap', () => {
  it.each([
    ['a: [', 'envoy.yaml:1:5 '],
    ['[1, 2]', 'envoy.yaml:1:1 is not an Envoy bootstrap'],
    ['clients: {}', 'envoy.yaml:1:1 is not an Envoy bootstrap'],
    ['', 'envoy.yaml:1:1 is not an Envoy bootstrap'],
    ['static_resources: { __proto__: { x: 1 } }', 'envoy.yaml:1:21 static_resources "__proto__" is not allowed'],
  ])('is refused with its place: %j', (text, message) => {
    expect(() => importEnvoy(text, 'envoy.yaml')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining(message) }),
    );
  });
});
