/** The Grafana dashboard and the alert rules: they ask for what is there, and leave nothing out. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { callDuration, counters, gauges, registryGauges } from '../../src/metrics/instruments.js';

const read = (name: string) => readFileSync(new URL(`../../examples/observability/${name}`, import.meta.url), 'utf8');

interface Panel {
  id: number;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string }[];
}
const dashboard = JSON.parse(read('grafana-dashboard.json')) as { panels: Panel[] };
const { groups } = parse(read('alerts.yaml')) as {
  groups: { rules: { alert: string; expr: string; labels: object; annotations: { runbook_url?: string } }[] }[];
};
const rules = groups.flatMap((group) => group.rules);
/** As the SDK's exporter names durations, and as all others do. */
const named = (expr: string) => expr.replaceAll('(_seconds)?', '_seconds');
const shown = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => named(expr)));
const asked = [...shown, ...rules.map(({ expr }) => named(expr))];

const underscored = (name: string) => name.replace(/\W/g, '_');
const duration = `${underscored(callDuration.name)}_seconds`;
/** By family: the names that its samples may have. */
const families = [
  ...['_bucket', '_sum', '_count'].map((end) => duration + end),
  ...counters.map(({ name }) => `${underscored(name)}_total`),
  ...gauges.map(({ name }) => underscored(name)),
  ...registryGauges.map(({ name, monotonic }) => `${underscored(name)}${monotonic ? '_total' : ''}`),
];
const labels = new Set([
  ...['client', 'destination', 'state', 'reason', 'endpoint', 'target', 'fault', 'error_type', 'url_template'],
  // Of every histogram, and of every target that Prometheus scrapes.
  ...['le', 'instance', '__name__'],
]);

describe('every expression', () => {
  it.each(asked)('asks for metrics and labels that there are: %s', (expr) => {
    const names = expr.match(/pillion_\w+/g) ?? [];
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(families).toContain(name);
    const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
    const matched = [...expr.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label);
    for (const label of [...grouped, ...matched]) expect(labels).toContain(label);
    expect(expr.split('(').length).toBe(expr.split(')').length);
  });
});

describe('the dashboard', () => {
  it('shows every metric', () => {
    const names = new Set(shown.flatMap((expr) => expr.match(/pillion_\w+/g) ?? []));
    expect(families.filter((name) => !names.has(name))).toEqual([]);
  });

  it('has panels that are numbered once and do not lie over one another', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w } }) =>
      Array.from({ length: w }, (_, i) => `${x + i},${y}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});

describe('the alerts', () => {
  it('have a severity and say what is wrong and what to do, each name once', () => {
    for (const rule of rules)
      expect(rule).toMatchObject({
        labels: { severity: expect.stringMatching(/^(warning|critical)$/) },
        annotations: { summary: expect.stringMatching(/\.$/), action: expect.stringMatching(/\.$/) },
      });
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it('have a section of the runbook each, to which they point, and no section is left over', () => {
    const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
    const part = runbook.split(/^## /m).find((each) => each.startsWith('Alerts\n')) ?? '';
    expect([...part.matchAll(/^### (\w+)$/gm)].map(([, title]) => title)).toEqual(rules.map(({ alert }) => alert));
    for (const { alert, annotations } of rules)
      expect(annotations.runbook_url).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
  });
});
