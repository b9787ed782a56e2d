/** The plots of a card: one drawing for each shape, with marks for what changed. */
import type { Change } from '../changes.js';
import { made, setText } from './document.js';
import type { Past } from './past.js';
import { describe, filled, height, linePath, mostOf, scaleOf, shapesOf, width, xOf } from './shapes.js';
import { clock } from './words.js';

function drawn(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** Draws all plots of a client into `holder`, where there is something new; `now` is the time of the server. */
export function drawPlots(
  holder: HTMLElement,
  past: Past,
  name: string,
  changes: readonly Change[],
  now: number,
): void {
  const range = past.range(now);
  const from = now - range;
  const news = `${past.newest} ${changes.length} ${changes[0]?.at} ${clock(from, now).slice(0, 5)}`;
  if (holder.dataset.news === news) return;
  holder.dataset.news = news;
  const slots = filled(past.of(name), past.interval, past.newest);
  for (const [index, shape] of shapesOf(slots, past.interval).entries()) {
    const figure = (holder.children[index] as HTMLElement | undefined) ?? holder.appendChild(frame());
    const [caption, svg, nothing, axis] = [...figure.children] as [HTMLElement, SVGElement, HTMLElement, HTMLElement];
    const most = mostOf(shape);
    const scale = scaleOf(most);
    const has = shape.lines.some(({ values }) => values.some((value) => value !== null));
    const texts = [shape.title, ...(has && shape.lines.length > 1 ? shape.lines.map((line) => line.name) : [])];
    const legend = texts.map((text, at) =>
      at === 0 ? made('b', '', text) : made('span', `legend ${shape.lines[at - 1]?.look}`, text),
    );
    if (caption.textContent !== texts.join('')) caption.replaceChildren(...legend);
    svg.setAttribute('aria-label', describe(shape, slots.at, now));
    const marks = changes.filter(({ at }) => at >= from && at <= now).map((change) => mark(change, now, range));
    const lines = shape.lines.map((line) =>
      drawn('path', {
        class: `line ${line.look}`,
        d: linePath(slots.at, line, { scale, now, range, step: past.interval }),
        'vector-effect': 'non-scaling-stroke',
      }),
    );
    svg.replaceChildren(...(has ? [...marks, ...lines] : marks));
    setText(nothing, has ? '' : shape.nothing);
    const labels = [clock(from, now), has ? `top ${shape.unit(scale)}` : '', 'now'];
    for (const [at, label] of labels.entries()) setText(axis.children[at] as HTMLElement, label.replace(/:\d\d$/, ''));
  }
}

function frame(): HTMLElement {
  const svg = drawn('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img' });
  const axis = made('p', 'axis', made('span'), made('span'), made('span'));
  // The label of the drawing says all of it.
  axis.setAttribute('aria-hidden', 'true');
  return made('figure', '', made('figcaption'), svg as unknown as Node, made('p', 'nothing'), axis);
}

function mark(change: Change, now: number, range: number): SVGElement {
  const x = xOf(change.at, now, range);
  const line = drawn('line', {
    ...{ class: `mark ${change.level}`, x1: x, x2: x, y1: 0, y2: height, 'vector-effect': 'non-scaling-stroke' },
  });
  const title = drawn('title', {});
  title.textContent = `${clock(change.at, now)} ${change.message}`;
  line.append(title);
  return line;
}
