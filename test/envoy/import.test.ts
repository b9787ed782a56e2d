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
    ['kind: ConfigMap\ndata: {}', 'envoy.yaml:1:1 has no Envoy configuration under data (it is empty)'],
    ['kind: ConfigMap\ndata: { a: x }', 'envoy.yaml:1:1 has no Envoy configuration under data (a)'],
    ['kind: ConfigMap\ndata: { a: "{{ .Values.a }}" }', 'envoy.yaml:2:1 data.a is a template of Helm'],
    ['static_resources: { __proto__: { x: 1 } }', 'envoy.yaml:1:21 static_resources "__proto__" is not allowed'],
  ])('is refused with its place: %j', (text, message) => {
    expect(() => importEnvoy(text, 'envoy.yaml')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining(message) }),
    );
  });
});

it('a template is refused with what renders it', () => {
  const messageOf = (text: string) => {
    try {
      importEnvoy(text, 'envoy.yaml');
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(messageOf('clusters: {{ .Values.clusters }}')).toContain(
    'is a template of Helm: render it first (`helm template RELEASE CHART > rendered.yaml`) and import the result',
  );
  expect(messageOf('clusters: {{ template "c" . }}')).toContain(
    'is a Go template: render it first with the program that fills it in, such as gomplate or consul-template, and import the result',
  );
  expect(messageOf('clusters: {{ clusters }}')).toContain(
    'is a Jinja template: render it first, such as with `ansible` or `jinja2`, and import the result',
  );
  expect(messageOf('<%= clusters %>')).toContain(
    'is an ERB template: render it first (`erb FILE`) and import the result',
  );
  expect(messageOf('connect_timeout: ${TIMEOUT}')).toContain(
    'has ${NAME} in place of values: fill them in first (`envsubst < FILE > rendered.yaml`, with the variables set) and import the result',
  );
  expect(messageOf('a: 1')).toContain(
    'envoy.yaml:1:1 is not an Envoy bootstrap: it has none of the keys static_resources, staticResources, dynamic_resources, dynamicResources, admin; a dump of /config_dump has configs',
  );
});

describe('each message of the import', () => {
  const sources = new URL('../../src/envoy/', import.meta.url);
  const lines = (place: URL, end: string) =>
    readdirSync(place)
      .filter((name) => name.endsWith(end))
      .flatMap((name) => readFileSync(new URL(name, place), 'utf8').split('\n'));
  const shown = [
    ...lines(folder, '.txt'),
    ...lines(folder, '.expected.yaml'),
    ...lines(new URL('.', import.meta.url), '.test.ts'),
  ];

  it.each(readdirSync(sources))('of %s is in a report in bootstraps/, or in a test', (name) => {
    const messages = messagesIn(readFileSync(new URL(name, sources), 'utf8'));
    expect(messages.filter((parts) => !shown.some((line) => hasAll(line, parts)))).toEqual([]);
  });
});

/** The texts in a source that have several words; those of a template are cut where it puts something in. */
function messagesIn(source: string): string[][] {
  const gap = /\$\{(?:[^{}`']|'[^']*'|`[^`]*`|\{[^{}]*\})*\}/;
  const tokens = new RegExp(
    [
      /\/\*(?:.|\n)*?\*\/|\/\/.*/, // comments
      /(?<=[=(,:?&|!{[]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\//, // regular expressions
      /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/,
      new RegExp(`\`(?:\\\\.|${gap.source}|[^\`\\\\])*\``),
    ]
      .map((each) => each.source)
      .join('|'),
    'g',
  );
  return [...source.matchAll(tokens)].flatMap(([token]) => {
    const text = token.slice(1, -1).replace(/\\(['"`])/g, '$1');
    if (!/^['"`]/.test(token) || text.split(/\s+/).length < 3) return [];
    return [(token.startsWith('`') ? text.split(gap) : [text]).map((part) => part.replace(/\\n$/, '').trim())];
  });
}

function hasAll(line: string, parts: readonly string[]): boolean {
  let from = 0;
  return parts.every((part) => {
    const at = line.indexOf(part, from);
    from = at + part.length;
    return at >= 0;
  });
}
