import { configJsonSchema, createHttpClient, ErrorCode } from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import * as instruments from '../../src/metrics/instruments.js';
// @ts-expect-error plain JavaScript
import { withMetricTable } from './metric-table.mjs';
// @ts-expect-error plain JavaScript
import { withOptionTables } from './option-table.mjs';
import { expectTables, page } from './tables.js';

const readme = page('README.md');

describe('docs/options.md', () => {
  it('shows the options of the schema (npm run docs renews them)', () => {
    expectTables('docs/options.md', (text) => withOptionTables(text, configJsonSchema()));
  });
});

describe('docs/observability.md', () => {
  const text = page('docs/observability.md');
  const section = (title: string) => text.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  const named = (part: string, form: RegExp) => [...part.matchAll(form)].map(([, name]) => name).sort();

  it('shows every metric (npm run docs renews them)', () => {
    expectTables('docs/observability.md', (text) => withMetricTable(text, instruments));
  });

  it('lists every event of a client, and no other', () => {
    const [, events = ''] = /interface ClientEvents \{(.*?)^\}/ms.exec(page('src/call/events.ts')) ?? [];
    const rows = section('Events').match(/^\| `.*?\|/gm) ?? [];
    expect(named(rows.join(), /`([a-z_]+\.[a-z_]+)`/g)).toEqual(named(events, /^ {2}'([a-z_]+\.[a-z_]+)':/gm));
  });

  it('lists every flag of a call, and so does the README', () => {
    const [, flags = ''] = /type CallFlag =(.*?);/s.exec(page('src/call/record.ts')) ?? [];
    const known = named(flags, /'([a-z_]+)'/g);
    const [, table = ''] = /^\| Flag \| Meaning \|\n(.*?)\n\n/ms.exec(section('Log lines')) ?? [];
    expect(named(table, /^\| `([a-z_]+)` \|/gm)).toEqual(known);
    const [, shown = ''] = /`flags` lists what happened on the way:(.*?)\.\n/s.exec(readme) ?? [];
    expect(named(shown, /`([a-z_]+)`/g)).toEqual(known);
  });
});

describe('docs/configuration.md', () => {
  it('lists all of deps', () => {
    const [, members = ''] = /interface HttpClientDeps \{(.*?)^\}/ms.exec(page('src/client/http-client.ts')) ?? [];
    const known = [...members.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
    expect(known.length).toBeGreaterThan(5);
    const [, table = ''] = /^\| `deps` \|(.*?)\n\n/ms.exec(page('docs/configuration.md')) ?? [];
    for (const text of [table, readme.slice(readme.indexOf('`deps` is code'), readme.indexOf('```ts\nconst billing'))])
      for (const name of known) expect(text).toContain(`\`${name}\``);
  });
});

describe('README.md', () => {
  it('has fewer than 250 lines', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(250);
  });

  it('shows log lines with the fields that lines have, in their order', async () => {
    const lines: object[] = [];
    const write = (fields: object) => void lines.push(fields);
    const logger = { debug: () => {}, info: write, warn: write, error: write };
    const answer = { headers: { 'content-length': '2' }, data: {} };
    const transport = createMockTransport([503, answer, 503]);
    const config = { baseURL: 'https://billing.internal', circuitBreaker: { volumeThreshold: 3 } };
    const client = createHttpClient(config, { transport, logger, random: () => 0 });
    for (let i = 0; i < 3; i++) await client.get('/', { routeName: '/' }).catch(() => {});
    const known = ['level', ...Object.keys(lines.at(-1) ?? {}), 'msg'];
    const shown = readme.split('\n').filter((line) => line.startsWith('{"level"'));
    expect(shown.length).toBe(4);
    for (const line of shown) {
      const names = Object.keys(JSON.parse(line));
      expect(known.filter((name) => names.includes(name))).toEqual(names);
    }
  });

  it('can be read in five minutes: 1,300 words at the most, code and tables apart', () => {
    const prose = readme.replace(/```.*?```/gs, '').replace(/^\|.*$/gm, '');
    expect(prose.split(/\s+/).length).toBeLessThan(1300);
  });

  it('shows the path of a request as the stack has it, outermost first', () => {
    const block = /## The path of a request\n.*?```\n(.*?)```/s.exec(readme)?.[1] ?? '';
    const shown = [...block.matchAll(/^.{19}([a-zA-Z.]+) {2,}\S/gm)].map(([, name]) => name);
    const target = { baseURL: 'http://a.test' };
    const { pipeline } = createHttpClient({
      ...{
        ...target,
        split: [{ targets: [{ ...target, name: 'a', weight: 1 }] }],
        mirror: [{ ...target, fraction: 0.1 }],
      },
      ...{ hedging: {}, rateLimit: { requests: 1 }, endpoints: { static: [{ address: '127.0.0.1:1' }] }, fault: {} },
      ...{
        outlierDetection: {},
        healthCheck: { path: '/' },
        adaptiveConcurrency: {},
        deadlineHeader: {},
        envoyHeaders: true,
        routes: [{ directResponse: { status: 404 } }],
        pathRewrite: { '^/a': '/b' },
        requestHeaders: { remove: ['x-internal'] },
        timeouts: { idle: '1m' },
      },
    });
    expect(shown).toEqual(pipeline);
  });

  it('lists every error code, and no other', () => {
    const table = readme.slice(readme.indexOf('\n## Errors'), readme.indexOf('\n## Observability'));
    const listed = [...table.matchAll(/^\| `(ERR_[A-Z\d_]+)`/gm)].map(([, code]) => code);
    expect(listed.sort()).toEqual(Object.values(ErrorCode).sort());
  });
});
