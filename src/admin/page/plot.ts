/** Script: small plots of the last two minutes over the time of each snapshot. */
export const plot = `
const seconds = 120;
const height = 40;

function svgElement(name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  return element;
}

/** Makes a plot with one line for each entry of 'lines', all on one scale; 'read' returns the value of a sample. */
function makePlot(holder, lines, describe) {
  const svg = svgElement('svg', { viewBox: '0 0 ' + seconds + ' ' + height, preserveAspectRatio: 'none', role: 'img' });
  const area = svgElement('path', { class: 'area' });
  const paths = lines.map(({ look }) => svgElement('path', { class: 'line ' + look, 'vector-effect': 'non-scaling-stroke' }));
  svg.append(area, ...paths);
  const most = Object.assign(document.createElement('span'), { className: 'most' });
  holder.replaceChildren(svg, most);
  return (samples, unit) => {
    const values = samples.flatMap((sample) => lines.map(({ read }) => read(sample))).filter((value) => value !== null);
    const top = Math.max(0, ...values);
    lines.forEach(({ read }, index) => {
      const runs = runsOf(samples, read, Math.max(top, 1));
      paths[index].setAttribute('d', runs.map((run) => 'M' + run.join('L') + 'h0').join(''));
      if (index === 0) area.setAttribute('d', runs.map(under).join(''));
    });
    setText(most, top > 0 ? 'max ' + number(top) + unit : '');
    svg.setAttribute('aria-label', 'Last two minutes: ' + describe(samples[samples.length - 1]) + ', at most ' + number(top) + unit);
  };
}

/** Splits a line where a value or a snapshot is missing. */
function runsOf(samples, read, top) {
  const now = samples[samples.length - 1].at;
  const runs = [];
  let before = -Infinity;
  for (const sample of samples) {
    const value = read(sample);
    if (value === null) { before = -Infinity; continue; }
    const x = Math.max(0, seconds - (now - sample.at) / 1000).toFixed(1);
    const y = (height - 1 - (value / top) * (height - 4)).toFixed(1);
    if (sample.at - before > 3500) runs.push([]);
    runs[runs.length - 1].push(x + ' ' + y);
    before = sample.at;
  }
  return runs;
}

function under(run) {
  const end = (point) => point.split(' ')[0] + ' ' + height;
  return 'M' + end(run[0]) + 'L' + run.join('L') + 'L' + end(run[run.length - 1]) + 'Z';
}
`;
