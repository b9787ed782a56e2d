/** What the page does: reads the stream of snapshots and fills the templates. Text of the server's is only ever set as text. */
export const script = String.raw`
'use strict';
const at = (id) => document.getElementById(id);
const points = 120;
const shown = new Map();
let token = sessionStorage.getItem('pillion-token') || '';
let lastAt = 0;

const headers = () => (token ? { authorization: 'Bearer ' + token } : {});
const number = (value) => (value === null || value === undefined ? '–' : value.toLocaleString('en', { maximumFractionDigits: 1 }));
const ms = (value) => (value === null ? '–' : number(value) + ' ms');
const words = { up: 'up', degraded: 'degraded', down: 'down' };

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function badge(element, status) {
  setText(element, words[status]);
  element.className = 'badge ' + status;
}

function row(main, ...rest) {
  const item = document.createElement('li');
  item.append(main, ...rest.map((text) => Object.assign(document.createElement('small'), { textContent: text })));
  return item;
}

function state(text) {
  const kind = text === 'closed' || text === 'usable' ? 'up' : text === 'open' ? 'down' : 'degraded';
  return Object.assign(document.createElement('span'), { className: 'badge ' + kind, textContent: text.replace('_', '-') });
}

function plot(holder, values, unit) {
  const most = Math.max(1, ...values);
  const step = 100 / (points - 1);
  const start = 100 - (values.length - 1) * step;
  const line = values.map((value, i) => (start + i * step).toFixed(1) + ',' + (29 - (value / most) * 27).toFixed(1)).join(' ');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const attributes = { viewBox: '0 0 100 30', preserveAspectRatio: 'none', role: 'img' };
  for (const name in attributes) svg.setAttribute(name, attributes[name]);
  const last = values.length ? values[values.length - 1] : 0;
  svg.setAttribute('aria-label', 'Last two minutes: now ' + number(last) + unit + ', at most ' + number(Math.max(0, ...values)) + unit);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  const look = { points: line, fill: 'none', stroke: 'currentColor', 'stroke-width': '1.5', 'vector-effect': 'non-scaling-stroke', 'stroke-linejoin': 'round' };
  for (const name in look) path.setAttribute(name, look[name]);
  svg.append(path);
  holder.replaceChildren(svg);
}

function make(client) {
  const element = at('client').content.firstElementChild.cloneNode(true);
  setText(element.querySelector('h2'), client.name);
  const history = { rate: [], errors: [], p99: [] };
  const force = element.querySelector('.force');
  force.setAttribute('aria-label', 'Circuits of ' + client.name);
  for (const [to, text] of [['open', 'Force open'], ['closed', 'Force closed'], ['auto', 'Automatic']]) {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: text });
    button.dataset.state = to;
    button.onclick = () => post(client.name, to);
    force.append(button);
  }
  at('clients').append(element);
  return { element, history };
}

async function post(name, to) {
  const answer = await fetch('clients/' + encodeURIComponent(name) + '/circuit?state=' + to, { method: 'POST', headers: headers() });
  if (!answer.ok) alert((await answer.json()).error);
}

function certificate(told) {
  if (told === null) return '–';
  return told.daysLeft <= 0 ? 'expired' : number(Math.floor(told.daysLeft)) + ' days';
}

function list(section, rows) {
  section.hidden = rows.length === 0;
  section.querySelector('ul').replaceChildren(...rows);
}

function fill({ element, history }, client, writable) {
  badge(element.querySelector('.badge'), client.status);
  const brief = number(client.rate) + '/s, ' + number(client.errors) + ' errors/s, p99 ' + ms(client.p99);
  setText(element.querySelector('.brief'), brief);
  element.querySelector('.reasons').replaceChildren(...client.reasons.map((reason) => Object.assign(document.createElement('li'), { textContent: reason })));
  const ratio = client.rate > 0 ? ' (' + number((client.errors / client.rate) * 100) + ' %)' : '';
  const figures = {
    rate: number(client.rate),
    errors: number(client.errors) + '/s' + ratio,
    p50: ms(client.p50),
    p99: ms(client.p99),
    active: number(client.active),
    pending: number(client.pending),
    connections: client.connections.used + ' used, ' + client.connections.idle + ' idle',
    budget: client.budget === null ? '–' : number(client.budget),
    certificate: certificate(client.certificate),
  };
  for (const name in figures) setText(element.querySelector('[data-figure=' + name + ']'), figures[name]);
  for (const name in history) {
    history[name].push(client[name] === null ? 0 : client[name]);
    if (history[name].length > points) history[name].shift();
    plot(element.querySelector('[data-plot=' + name + ']'), history[name], name === 'p99' ? ' ms' : ' per second');
  }
  const circuits = element.querySelector('.circuits');
  list(circuits, client.circuits.map(({ destination, state: now }) => row(state(now), destination)));
  if (client.forced) circuits.querySelector('ul').append(row(state(client.forced), 'forced by hand, for every destination'));
  circuits.hidden = circuits.hidden && !client.forced && !(writable && client.breaker);
  const force = circuits.querySelector('.force');
  force.hidden = !writable || !client.breaker;
  for (const button of force.children) button.setAttribute('aria-pressed', String(button.dataset.state === (client.forced || 'auto')));
  const endpoints = client.endpoints.map(({ address, state: now, latencyMs }) => row(state(now), address, number(latencyMs) + ' ms'));
  list(element.querySelector('.endpoints'), endpoints);
}

function show(snapshot) {
  lastAt = Date.now();
  at('lost').hidden = true;
  at('login').hidden = true;
  at('waiting')?.remove();
  badge(at('overall'), snapshot.status);
  const { config } = snapshot;
  const refused = config?.refused ? ', a newer one is refused' : '';
  setText(at('config'), config ? 'configuration ' + config.version + ' (' + config.hash + ')' + refused : '');
  const names = new Set(snapshot.clients.map(({ name }) => name));
  for (const [name, { element }] of shown) if (!names.has(name)) { element.remove(); shown.delete(name); }
  for (const client of snapshot.clients) {
    if (!shown.has(client.name)) shown.set(client.name, make(client));
    fill(shown.get(client.name), client, snapshot.writable);
  }
  filter();
}

function filter() {
  const wanted = at('filter').value.toLowerCase();
  for (const [name, { element }] of shown) element.hidden = !name.toLowerCase().includes(wanted);
}

async function read() {
  const answer = await fetch('events', { headers: headers() });
  if (answer.status === 401 || answer.status === 403) {
    const { error } = await answer.json();
    setText(at('refused'), answer.status === 403 || token ? error : '');
    token = '';
    sessionStorage.removeItem('pillion-token');
    at('login').hidden = false;
    at('waiting')?.remove();
    return false;
  }
  if (!answer.ok) throw new Error(answer.status);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return true;
    text += value;
    const events = text.split('\n\n');
    text = events.pop();
    if (events.length) show(JSON.parse(events[events.length - 1].slice(6)));
  }
}

async function watch() {
  for (;;) {
    try {
      if (!(await read())) return;
    } catch {}
    at('lost').hidden = false;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

at('filter').oninput = filter;
at('login').onsubmit = (event) => {
  event.preventDefault();
  token = at('token').value;
  sessionStorage.setItem('pillion-token', token);
  at('token').value = '';
  watch();
};
document.onkeydown = (event) => {
  if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  at('filter').focus();
};
setInterval(() => { if (lastAt && Date.now() - lastAt > 5000) at('lost').hidden = false; }, 1000);
watch();
`;
