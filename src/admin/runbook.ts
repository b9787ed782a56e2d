/** The runbook of this version, docs/runbook.md, as a page: whoever is on call may reach this process and no web site. */
import source from '../../docs/runbook.md';
import { contentPolicy } from './content-policy.js';
import { anchorOf } from './failure-advice.js';

/** The runbook as Markdown. */
export const runbook = source;

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:1rem auto;padding:0 1rem}h3:target{outline:3px solid}';

/** As an HTML document, with an anchor at each heading. */
export const runbookPage = (): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>pillion: runbook</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
${blocksOf(source).map(block).join('\n')}
</body>
</html>
`;

/** Content security policy of the page: its style, and nothing else. */
export const runbookPolicy = contentPolicy({ style });

/** Headings, lists, paragraphs and blocks of code. */
function blocksOf(text: string): string[] {
  return text.match(/^```[\s\S]*?^```$|^#+ .*$|(?:^(?!#+ |```).+\n?)+/gm) ?? [];
}

function block(text: string): string {
  const [, signs = '', heading = ''] = /^(#+) (.*)$/.exec(text) ?? [];
  if (heading) return `<h${signs.length} id="${anchorOf(heading)}">${inline(heading)}</h${signs.length}>`;
  if (text.startsWith('```')) return `<pre>${escaped(text.replace(/^```.*\n|\n?```$/g, ''))}</pre>`;
  if (text.startsWith('|')) return `<pre>${escaped(text)}</pre>`;
  if (!text.startsWith('- ')) return `<p>${inline(text)}</p>`;
  const items = text.split(/^- /m).slice(1);
  return `<ul>${items.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`;
}

/** Code, and links within this text; links to other files have their text alone, as these are not served. */
function inline(text: string): string {
  return escaped(text.trim())
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\[([^\]]+)\]\((#[\w-]+)\)/g, '<a href="$2">$1</a>')
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
