/** The page's script: shows each snapshot, and handles the filter, the token form and keys. */
import type { Snapshot } from '../snapshot.js';
import { fillCards, filterCards, noteUse, past, sortCards } from './cards.js';
import { byId, made, setList, setText, setTexts, showText } from './document.js';
import { prepareDialog } from './force.js';
import { inForceOf, overallOf, refusalOf, titleOf } from './sentences.js';
import { checkStream, keepToken, type Readers, readHistory, watch } from './stream.js';
import { clock, zone } from './words.js';

/** How often the history is asked for, in milliseconds; and by how much the server's clock may run off before it is read anew. */
const historyMs = 10_000;
const clockStepMs = 5000;

let shownAt = 0;
/** Time of the last snapshot by the server's clock, and by the page's. */
let last = { at: 0, here: 0 };
let historyAt = Number.NEGATIVE_INFINITY;

function show(snapshot: Snapshot): void {
  shownAt = Date.now();
  byId('login').hidden = true;
  const { clients, configs, at } = snapshot;
  // A live region: it holds nothing that changes every second.
  setText(byId('overall'), overallOf(snapshot));
  byId('overall').className = clients[0]?.severity ?? 'well';
  document.title = titleOf(clients);
  const refusals = configs.map((config) => refusalOf(config, configs.length > 1, at)).filter((one) => one !== null);
  setList(byId('refusals'), refusals, banner, (element, { title, faults, state }) => {
    const [heading, list, told] = [...element.children] as [HTMLElement, HTMLElement, HTMLElement];
    setText(heading, title);
    setTexts(list, faults);
    setText(told, state);
  });
  setText(byId('config'), inForceOf(configs, at));
  setText(byId('zone'), `Times are in your zone (${zone(at)}).`);
  fillCards(snapshot);
  const here = performance.now();
  const isStepped = Math.abs(at - last.at - (here - last.here)) > clockStepMs;
  last = { at, here };
  if (isStepped) {
    past.clear();
    historyAt = Number.NEGATIVE_INFINITY;
  }
  if (here - historyAt >= historyMs) void fetchHistory(here);
}

async function fetchHistory(here: number): Promise<void> {
  historyAt = here;
  const history = await readHistory(past.since);
  if (history !== undefined) past.add(history);
}

function banner(): HTMLElement {
  return made('section', 'banner', made('h2'), made('ul'), made('p'));
}

const readers: Readers = {
  show,
  tellLost(why) {
    const old = shownAt === 0 ? '' : ` The figures below are from ${clock(shownAt, Date.now())}.`;
    showText(byId('lost'), why === '' ? '' : `${why}${old} Reconnecting.`);
  },
  /** Shows the token form and takes all figures away. */
  askForToken(error) {
    setText(byId('rejected'), error);
    readers.tellLost('');
    past.clear();
    historyAt = Number.NEGATIVE_INFINITY;
    byId<HTMLDialogElement>('force').close();
    fillCards(undefined);
    byId('refusals').replaceChildren();
    for (const id of ['overall', 'config', 'zone']) setText(byId(id), '');
    document.title = 'pillion';
    byId('login').hidden = false;
  },
};

byId('filter').oninput = filterCards;
byId('sort').onclick = sortCards;
byId('login').onsubmit = (event) => {
  event.preventDefault();
  const field = byId<HTMLInputElement>('token');
  keepToken(field.value);
  field.value = '';
  void watch(readers);
};
document.onkeydown = (event) => {
  const isTyped = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  const isBusy = isTyped || byId<HTMLDialogElement>('force').open;
  if (event.key !== '/' || isBusy || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId('filter').focus();
};
for (const name of ['pointermove', 'pointerdown', 'keydown', 'wheel', 'touchmove'])
  document.addEventListener(name, noteUse, { passive: true });
prepareDialog();
setInterval(() => checkStream(readers), 1000);
void watch(readers);
