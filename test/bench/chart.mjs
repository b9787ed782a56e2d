/** The results as a chart: bars for throughput and for CPU, in colours that can be read on white and on black. */

const rowHeight = 18;
const groupGap = 34;
const labelWidth = 250;
const barWidth = 230;
const valueWidth = 70;
const panel = barWidth + valueWidth;
const width = labelWidth + 2 * panel + 20;
const top = 70;

const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .head { font-weight: 600 } .note { fill: #59636e }
  .base { fill: #8c959f } .other { fill: #afb8c1 } .own { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .note { fill: #9198a1 }
    .base { fill: #767e88 } .other { fill: #4d5661 } .own { fill: #4493f8 }
  }`;

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => String(text).replace(/[&<>"]/g, (char) => entities[char]);
const text = (x, y, content, name = '') => `<text x="${x}" y="${y}" class="${name}">${escaped(content)}</text>`;

function bar(x, y, length, kind, label) {
  const drawn = Math.max(1, length).toFixed(1);
  const rect = `<rect x="${x}" y="${y - 11}" width="${drawn}" height="13" rx="2" class="${kind}"/>`;
  return rect + text((x + Math.max(1, length) + 6).toFixed(1), y, label);
}

function row(y, result, { titles, own, scales }, isBase) {
  const { variant, throughput, cpu } = result;
  const kind = isBase ? 'base' : own.has(variant) ? 'own' : 'other';
  const left = labelWidth;
  const right = labelWidth + panel;
  return [
    text(10, y, titles[variant]),
    bar(left, y, (throughput.ratio / scales.ratio) * barWidth, kind, `${throughput.ratio.toFixed(2)}x`),
    bar(right, y, (cpu.median / scales.cpu) * barWidth, kind, `${cpu.median.toFixed(0)} us`),
  ].join('');
}

function group(y, { title, callers, rows }, look) {
  const cpu = Math.max(...rows.map((result) => result.cpu.median));
  const ratio = Math.max(...rows.map((result) => result.throughput.ratio));
  const scales = { cpu, ratio };
  const head = text(10, y, `${title}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`, 'head');
  const lines = rows.map((result, index) => row(y + (index + 1) * rowHeight, result, { ...look, scales }, index === 0));
  return [head, ...lines].join('\n');
}

/** `groups`: of each case the title, the number of callers and the summarized rows; `own`: the variants to point out. */
export function chart(groups, { titles, own, about, base }) {
  const parts = [];
  let y = top + 30;
  for (const one of groups) {
    parts.push(group(y, one, { titles, own }));
    y += one.rows.length * rowHeight + groupGap;
  }
  const name = `HTTP clients compared with ${base}`;
  const description = `Bars for each case and client: requests per second relative to ${base}, longer is faster; and CPU microseconds per request, shorter is better.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img" aria-labelledby="title desc">
<title id="title">${escaped(name)}</title>
<desc id="desc">${escaped(description)}</desc>
<style>${style}</style>
${text(10, 24, name, 'head')}
${text(10, 44, about, 'note')}
${text(labelWidth, top, `requests per second, ${base} = 1`, 'note')}
${text(labelWidth + panel, top, 'CPU per request', 'note')}
${parts.join('\n')}
</svg>
`;
}
