/** Script: a card for each client, updated with each snapshot. Text from the server is set as text, never as HTML. */
export const clients = `
const shown = new Map();
let writable = false;

const number = (value) => (value === null ? '–' : value.toLocaleString('en', { maximumFractionDigits: 1 }));
const count = (value, one, many) => number(value) + ' ' + (value === 1 ? one : many);
const ms = (value) => (value === null ? '–' : (value < 1000 ? number(value) + ' ms' : number(value / 1000) + ' s'));

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function element(name, className, ...content) {
  const made = Object.assign(document.createElement(name), { className });
  made.append(...content);
  return made;
}

function setBadge(badge, status) {
  setText(badge, status);
  badge.className = 'badge ' + status;
}

/** Replaces the items only if they changed, so that a text selection in them is kept. */
function setItems(list, items) {
  const same = items.length === list.children.length && items.every((item, index) => item.isEqualNode(list.children[index]));
  if (!same) list.replaceChildren(...items);
}

function makeClient(name) {
  const card = at('client').content.firstElementChild.cloneNode(true);
  setText(card.querySelector('h2'), name);
  const force = card.querySelector('.force');
  force.setAttribute('aria-label', 'Circuits of ' + name);
  force.append(element('span', 'quiet', 'Circuits'));
  for (const [state, text] of [['auto', 'Automatic'], ['open', 'Force open'], ['closed', 'Force closed']]) {
    const button = Object.assign(element('button', '', text), { type: 'button', onclick: () => forceCircuit(name, state) });
    button.dataset.state = state;
    force.append(button);
  }
  const holder = (plot) => card.querySelector('[data-plot=' + plot + ']');
  const plots = {
    rate: makePlot(holder('rate'), [{ look: '', read: (at) => at.rate }], (now) => 'now ' + number(now.rate) + ' per second'),
    errors: makePlot(holder('errors'), [{ look: '', read: (at) => at.errors }], (now) => 'now ' + number(now.errors) + ' per second'),
    latency: makePlot(
      holder('latency'),
      [{ look: '', read: (at) => at.p99 }, { look: 'dashed', read: (at) => at.p50 }],
      (now) => 'now p99 ' + ms(now.p99) + ', p50 ' + ms(now.p50),
    ),
  };
  return { card, plots, samples: [] };
}

async function forceCircuit(name, state) {
  const told = shown.get(name).card.querySelector('.told');
  setText(told, '');
  try {
    const path = 'clients/' + encodeURIComponent(name) + '/circuit?state=' + state;
    const answer = await fetch(path, { method: 'POST', headers: headers() });
    if (!answer.ok) setText(told, (await answer.json()).error);
  } catch {
    setText(told, 'The circuit was not changed: no connection.');
  }
}

function certificate(told) {
  if (told === null) return '–';
  const days = Math.floor(told.daysLeft);
  return told.expired ? 'expired' : days < 1 ? 'less than a day' : count(days, 'day', 'days');
}

function figuresOf(client) {
  const { limits, connections, budget } = client;
  const errors = client.failed + client.refused;
  const limit = (value) => (limits === null ? 'no limit' : 'of ' + number(value) + ' each');
  return {
    rate: number(client.rate),
    ratio: client.rate > 0 ? number((errors / client.rate) * 100) + ' %' : '–',
    errors: number(errors) + '/s',
    p50: ms(client.p50),
    p99: ms(client.p99),
    active: number(client.active),
    attempts: count(client.attempts, 'attempt', 'attempts'),
    running: limits === null ? '–' : number(client.running),
    maxRunning: limit(limits?.running),
    pending: limits === null ? '–' : number(client.pending),
    maxPending: limit(limits?.pending),
    connections: connections === null ? '–' : number(connections.used) + ' used',
    idle: connections === null ? 'injected wire' : number(connections.idle) + ' idle',
    budget: number(budget),
    budgetNote: budget === null ? 'no budget' : budget === 1 ? 'retry left' : 'retries left',
    certificate: certificate(client.certificate),
    subject: client.certificate === null ? 'none' : client.certificate.subject || client.certificate.notAfter.slice(0, 10),
  };
}

/** Normal states are shown in quiet text, others as a badge. */
function destination({ address, circuit, endpoint, running, pending, latencyMs }) {
  const item = element('li', '', element('span', 'address', address));
  const quiet = [];
  const tell = (text, well, kind) => (well ? quiet.push(text) : item.append(element('span', 'badge ' + kind, text)));
  if (circuit !== null) tell('circuit ' + circuit.replace('_', '-'), circuit === 'closed', circuit === 'open' ? 'down' : 'degraded');
  if (endpoint !== null && endpoint !== 'circuit_open') tell(endpoint, endpoint === 'usable', 'degraded');
  if (running > 0) quiet.push(number(running) + ' running');
  if (pending > 0) quiet.push(number(pending) + ' waiting');
  if (latencyMs !== null) quiet.push(ms(latencyMs));
  item.append(element('span', 'quiet', quiet.join(' · ')));
  return item;
}

function fillDestinations(section, client) {
  const items = client.destinations.map(destination);
  if (client.hidden > 0) items.push(element('li', 'quiet', 'and ' + number(client.hidden) + ' more, in /stats'));
  setItems(section.querySelector('ul'), items);
  const force = section.querySelector('.force');
  force.hidden = !writable || !client.breaker;
  for (const button of force.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset.state === (client.forced?.state ?? 'auto')));
  section.hidden = items.length === 0 && force.hidden;
}

function fillClient({ card, plots, samples }, client, at) {
  setBadge(card.querySelector('summary .badge'), client.status);
  setText(card.querySelector('.brief'), number(client.rate) + '/s, ' + number(client.failed + client.refused) + ' errors/s, p99 ' + ms(client.p99));
  setItems(card.querySelector('.reasons'), client.reasons.map((reason) => element('li', '', reason)));
  const figures = figuresOf(client);
  for (const name in figures) setText(card.querySelector('[data-figure=' + name + ']'), figures[name]);
  const { rate, p50, p99 } = client;
  const errors = client.failed + client.refused;
  samples.push({ at, rate, errors, p50, p99 });
  while (at - samples[0].at > seconds * 1000) samples.shift();
  plots.rate(samples, '/s');
  plots.errors(samples, '/s');
  plots.latency(samples, ' ms');
  fillDestinations(card.querySelector('.destinations'), client);
}

function fillClients(clients, now) {
  const names = new Set(clients.map(({ name }) => name));
  for (const [name, { card }] of shown) if (!names.has(name)) { card.remove(); shown.delete(name); }
  clients.forEach((client, index) => {
    if (!shown.has(client.name)) shown.set(client.name, makeClient(client.name));
    const one = shown.get(client.name);
    if (at('clients').children[index] !== one.card) at('clients').insertBefore(one.card, at('clients').children[index] ?? null);
    fillClient(one, client, now);
  });
  filter();
}

function filter() {
  const wanted = at('filter').value.trim().toLowerCase();
  let any = false;
  for (const [name, { card }] of shown) {
    card.hidden = !name.toLowerCase().includes(wanted);
    any ||= !card.hidden;
  }
  at('none').hidden = any;
  setText(at('none'), shown.size > 0 ? 'No client name contains this text.' : 'There are no clients.');
}
`;
