/** All cards: in the order that the library gives, which is kept as it was while a reader uses the page. */
import type { ClientSnapshot, Snapshot } from '../snapshot.js';
import { Card } from './card.js';
import { arrange, byId, inPlace, selectedRange, showText } from './document.js';
import { Past } from './past.js';

/** Milliseconds after the last use in which cards stay where they are. */
const quietMs = 10_000;

export const past = new Past();
const cards = new Map<string, Card>();
let latest: Snapshot | undefined;
let usedAt = Number.NEGATIVE_INFINITY;

let pointer = '';

/** Notes that the reader moves the pointer, scrolls or types. */
export function noteUse(event: Event): void {
  if (event instanceof MouseEvent && event.type === 'pointermove') {
    const place = `${event.clientX} ${event.clientY}`;
    // Browsers send one too when the page moves below a pointer that rests.
    if (place === pointer) return;
    pointer = place;
  }
  usedAt = performance.now();
}

function isInUse(): boolean {
  const selects = selectedRange()?.intersectsNode(byId('clients'));
  return selects || byId<HTMLDialogElement>('force').open || performance.now() - usedAt < quietMs;
}

export function fillCards(snapshot: Snapshot | undefined): void {
  latest = snapshot;
  const inUse = isInUse();
  inPlace(byId('clients'), inUse, () => fillAll(inUse));
}

/** Fills the cards again with the snapshot that is there. */
export function refreshCards(): void {
  inPlace(byId('clients'), true, () => fillAll(true));
}

/** Puts the cards in order now. */
export function sortCards(): void {
  inPlace(byId('clients'), false, () => fillAll(false));
}

function fillAll(keepOrder: boolean): void {
  const clients = latest?.clients ?? [];
  const names = new Set(clients.map(({ name }) => name));
  for (const [name, card] of cards)
    if (!names.has(name)) {
      card.element.remove();
      cards.delete(name);
    }
  const wanted = clients.map((client) => {
    const card = cardOf(client);
    if (!keepOrder) card.settle(client);
    if (latest !== undefined) card.fill(client, past, latest);
    return card;
  });
  const list = byId('clients');
  const elements = wanted.map(({ element }) => element);
  const isSorted = elements.every((element, index) => list.children[index] === element);
  byId('sort').hidden = isSorted || !keepOrder;
  if (!keepOrder) {
    const focused = elements.find((element) => element.contains(document.activeElement));
    arrange(list, elements, focused);
  }
  filterCards();
}

function cardOf(client: ClientSnapshot): Card {
  const known = cards.get(client.name);
  if (known !== undefined) return known;
  const card = new Card(client, refreshCards);
  cards.set(client.name, card);
  byId('clients').append(card.element);
  return card;
}

/** Hides the cards whose names do not contain the text of the filter. */
export function filterCards(): void {
  const text = byId<HTMLInputElement>('filter').value.trim().toLowerCase();
  let any = false;
  for (const [name, { element }] of cards) {
    element.hidden = !name.toLowerCase().includes(text);
    any ||= !element.hidden;
  }
  showText(byId('none'), any || cards.size === 0 ? '' : 'No client name contains this text.');
}
