/** The table of metrics in docs/observability.md, from the list that they are made from. */
const begin = /<!-- metrics:.*?-->\n/;
const end = '<!-- /metrics -->';

/** The page with its table as the instruments have it now. */
export function withMetricTable(page, { counters, gauges, registryGauges, callDuration }) {
  const rows = [
    row('histogram', callDuration),
    ...counters.map((each) => row('counter', each)),
    ...gauges.map((each) => row('gauge', each)),
    ...registryGauges.map((each) => row(each.monotonic ? 'counter' : 'gauge', each)),
  ];
  const table = ['| Metric | Kind | Unit | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
  const start = page.search(begin) + page.match(begin)[0].length;
  return `${page.slice(0, start)}\n${table}\n\n${page.slice(page.indexOf(end))}`;
}

const row = (kind, { name, unit, description }) => `| \`${name}\` | ${kind} | \`${unit}\` | ${description} |`;
