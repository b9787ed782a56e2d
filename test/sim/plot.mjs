/** Lines in a chart, as SVG that can be read on white and on black. */

const width = 640;
const height = 320;
const left = 64;
const right = 150;
const top = 44;
const bottom = 46;
const colors = ['a', 'b', 'c', 'd', 'e'];

const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 } .head { font-weight: 600 } .note { fill: #59636e }
  path, line { fill: none } .axis { stroke: #d1d9e0 } .bar { stroke: #cf222e; stroke-dasharray: 4 4 }
  .a { stroke: #0969da } .b { stroke: #bc4c00 } .c { stroke: #1a7f37 } .d { stroke: #8250df } .e { stroke: #6e7781 }
  .series { stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .note { fill: #9198a1 } .axis { stroke: #3d444d } .bar { stroke: #ff7b72 }
    .a { stroke: #4493f8 } .b { stroke: #f0883e } .c { stroke: #3fb950 } .d { stroke: #ab7df8 } .e { stroke: #9198a1 }
  }`;

const escaped = (text) => String(text).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
const shown = (value) =>
  Math.abs(value) >= 1000 ? `${+(value / 1000).toPrecision(3)}k` : String(+value.toPrecision(3));

function range(values) {
  const max = Math.max(...values);
  const step = 10 ** Math.floor(Math.log10(max || 1));
  const nice = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((factor) => factor * step >= max) * step;
  return [0, nice];
}

/** `series`: `{ name, points: [[x, y], …] }`; `bar`: a line that is not to be crossed. */
export function plot({ title, x, y, series, bar }) {
  const all = series.flatMap(({ points }) => points);
  const [x0, x1] = range(all.map(([value]) => value));
  const [y0, y1] = range([...all.map(([, value]) => value), bar ?? 0]);
  const at = (value) => left + ((value - x0) / (x1 - x0)) * (width - left - right);
  const up = (value) => height - bottom - ((value - y0) / (y1 - y0)) * (height - top - bottom);
  const parts = [`<text x="${left}" y="22" class="head">${escaped(title)}</text>`];
  for (let i = 0; i <= 4; i++) {
    const [xv, yv] = [x0 + ((x1 - x0) * i) / 4, y0 + ((y1 - y0) * i) / 4];
    parts.push(`<line class="axis" x1="${left}" x2="${width - right}" y1="${up(yv)}" y2="${up(yv)}"/>`);
    parts.push(`<text class="note" text-anchor="end" x="${left - 8}" y="${up(yv) + 4}">${shown(yv)}</text>`);
    parts.push(`<text class="note" text-anchor="middle" x="${at(xv)}" y="${height - bottom + 18}">${shown(xv)}</text>`);
  }
  parts.push(`<text class="note" text-anchor="end" x="${width - right}" y="${height - 8}">${escaped(x)}</text>`);
  parts.push(`<text class="note" x="8" y="${top - 8}">${escaped(y)}</text>`);
  if (bar !== undefined)
    parts.push(`<line class="bar" x1="${left}" x2="${width - right}" y1="${up(bar)}" y2="${up(bar)}"/>`);
  series.forEach(({ name, points }, index) => {
    const path = points
      .map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${at(px).toFixed(1)} ${up(py).toFixed(1)}`)
      .join('');
    const labelY = top + 14 + index * 20;
    parts.push(`<path class="series ${colors[index]}" d="${path}"/>`);
    parts.push(
      `<line class="series ${colors[index]}" x1="${width - right + 12}" x2="${width - right + 28}" y1="${labelY - 4}" y2="${labelY - 4}"/>`,
    );
    parts.push(`<text x="${width - right + 34}" y="${labelY}">${escaped(name)}</text>`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}"><style>${style}</style>\n${parts.join('\n')}\n</svg>\n`;
}
