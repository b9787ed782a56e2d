/** The page docs/envoy.md, made of the rows of a run, and the text of all other pages. */
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const verdicts = ['same', 'intended', 'different'];

/** All other pages as one text without line breaks, so that a sentence is found wherever its lines break. */
export function docs() {
  const names = readdirSync(new URL('docs', root), { recursive: true, encoding: 'utf8' });
  const pages = names.filter((name) => name.endsWith('.md') && name !== 'envoy.md').map((name) => `docs/${name}`);
  const texts = ['README.md', ...pages].map((name) => readFileSync(new URL(name, root), 'utf8'));
  return texts.join('\n').replace(/\s+/g, ' ');
}

/** `client: 200 cases, 180 same, 20 intended, 0 different; listener: …`. */
export function summaryOf(rows) {
  const sides = [...new Set(rows.map(({ side }) => side))];
  const told = sides.map((side) => {
    const some = rows.filter((row) => row.side === side);
    const counts = verdicts.map((verdict) => `${some.filter((row) => row.verdict === verdict).length} ${verdict}`);
    return `${side}: ${some.length} cases, ${counts.join(', ')}`;
  });
  return told.join('; ');
}

/** The parts that differ, as one side has them: `status 200, attempts 2`. */
export function cell(found, side) {
  return found
    .map((each) => `${spelled(each.part)} ${value(each[side])}`)
    .join(', ')
    .replace(/\s+/g, ' ')
    .replace(/:\d{4,5}\b/g, ':PORT')
    .replace(/clients\.json:\d+:\d+ /g, '')
    .replaceAll('|', '\\|');
}

const spelled = (part) => part.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function value(it) {
  if (Array.isArray(it)) return it.length === 0 ? 'none' : [...new Set(it.map(value))].join(' / ');
  if (typeof it !== 'object' || it === null) return it === '' ? 'empty' : `${it}`;
  const pairs = Object.entries(it).map(([name, one]) => `${name}: ${one === '-' ? 'none' : value(one)}`);
  return pairs.length === 0 ? 'none' : pairs.join(', ');
}

/** The first cells of the row of a case that differs; what was measured stands behind them. */
export const rowStart = ({ group, title, note }) => `| ${group} | ${title} | ${note.replace(point, '')} |`;

/** The point of the issue, which means nothing to a reader of the page. */
const point = /^(safety \d+|behaviour \d+|not in the issue): /;

const header = '| Group | Case | Why | Envoy | Here |\n| --- | --- | --- | --- | --- |';

function table(rows) {
  return [
    header,
    ...rows.map((row) => `${rowStart(row)} ${cell(row.found, 'envoy')} | ${cell(row.found, 'ours')} |`),
  ].join('\n');
}

const counted = ({ length }, what) => (length === 0 ? '' : `, ${length} ${what}`);

/** Of the listener, only cases are shown that differ otherwise than with the client. */
function listenerSection(rows, client) {
  const of = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const sameAs = (row) =>
    client.some(({ id, verdict, note }) => id === row.id && verdict === row.verdict && note === row.note);
  const own = rows.filter((row) => !sameAs(row));
  const listed = own.map((row) =>
    row.verdict === 'same'
      ? `${rowStart({ ...row, note: 'The same as in Envoy' })} |`
      : `${rowStart(row)} ${cell(row.found, 'ours')} |`,
  );
  return `## Through the listener

The same requests, sent with plain HTTP to \`serveSidecar\` in front of the same clients: ${of('same')} cases are the same
as in Envoy, ${of('intended')} differ on purpose. Status and headers of answers that the listener makes itself are compared
with Envoy's too (\`x-envoy-overloaded\`, \`x-envoy-ratelimited\`, \`retry-after\`), and all headers that reach the
upstream, apart from those that a proxy tells of itself. These cases differ otherwise than those above:

| Group | Case | Why | Listener |
| --- | --- | --- | --- |
${listed.join('\n')}`;
}

/** The page; without rows of a verdict its section is left out. */
export function page(all, version) {
  const rows = all.filter(({ side }) => side === 'client');
  const of = (verdict) => rows.filter((row) => row.verdict === verdict);
  const groups = [...new Set(of('same').map(({ group }) => group))];
  const same = groups.map((group) => {
    const titles = of('same').filter((row) => row.group === group);
    return `### ${group}\n\n${titles.map(({ title }) => `- ${title}`).join('\n')}`;
  });
  const intended = of('intended');
  const sections = [
    `# Compared with a real Envoy`,
    `This page is written by \`npm run envoy -- --write\`. One bootstrap goes into Envoy ${version} and through
\`pillion import-envoy\`; the same requests are sent over Envoy's listener and with the imported clients, to the same scripted
upstream. Status, attempts, headers and bodies that the upstream saw, and times are compared. An answer that Envoy makes itself, such
as its 503 for a refused connection, counts as the same as the error that the client throws in its place.

Of ${rows.length} cases, ${of('same').length} are the same${counted(intended, 'differ on purpose')}.`,
    ...(intended.length > 0 ? [`## Different on purpose\n\n${table(intended)}`] : []),
    `## The same\n\n${same.join('\n\n')}`,
    listenerSection(
      all.filter(({ side }) => side === 'listener'),
      rows,
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}
