/** The card of one client: one line while it is closed, and everything that is known of the client while it is open. */

import type { FailedCalls } from '../failures.js';
import type { DestinationFigures } from '../figures.js';
import type { ClientSnapshot, Snapshot } from '../snapshot.js';
import { byId, made, partOf, setList, setText, setTexts, showText } from './document.js';
import { askToForce, undoForce } from './force.js';
import type { Past } from './past.js';
import { drawPlots } from './plot.js';
import * as say from './sentences.js';
import { counted, number } from './words.js';

type FoldedChange = ReturnType<typeof say.foldedOf>[number];

/** Changes that are shown without being asked for. */
const fewChanges = 6;

export class Card {
  readonly element: HTMLDetailsElement;
  readonly #part: <Kind extends HTMLElement = HTMLElement>(name: string) => Kind;
  #client: ClientSnapshot;
  /** Whether the page opened it; a toggle to something else came from the reader. */
  #expected = false;
  #isChosen: boolean;

  constructor(client: ClientSnapshot, refresh: () => void) {
    const template = byId<HTMLTemplateElement>('client').content.firstElementChild as HTMLDetailsElement;
    this.element = template.cloneNode(true) as HTMLDetailsElement;
    this.#part = (name) => partOf(this.element, name);
    this.#client = client;
    setText(this.#part('name'), client.name);
    const kept = sessionStorage.getItem(this.#key);
    this.#isChosen = kept !== null;
    this.#setOpen(kept === null ? say.isUrgent(client) : kept === 'open');
    this.element.ontoggle = () => {
      if (this.element.open === this.#expected) return;
      this.#expected = this.element.open;
      this.#isChosen = true;
      sessionStorage.setItem(this.#key, this.element.open ? 'open' : 'closed');
      refresh();
    };
    for (const state of ['open', 'closed'] as const)
      this.#part(`force-${state}`).onclick = () => askToForce(this.#client, state);
    this.#part('undo').onclick = async () => {
      showText(this.#part('undo-failed'), '');
      const failed = await undoForce(client.name);
      showText(this.#part('undo-failed'), failed);
      // The button goes away with the notice.
      if (failed === '') this.#part('force-open').focus();
    };
  }

  get name(): string {
    return this.#client.name;
  }

  get #key(): string {
    return `pillion-card-${this.#client.name}`;
  }

  #setOpen(open: boolean): void {
    this.#expected = open;
    this.element.open = open;
  }

  /** Opens a client whose calls fail and closes one whose calls do not, unless the reader chose. */
  settle(client: ClientSnapshot): void {
    if (!this.#isChosen) this.#setOpen(say.isUrgent(client));
  }

  fill(client: ClientSnapshot, past: Past, { writable, configs, at: now }: Snapshot): void {
    this.#client = client;
    const { severity } = client;
    if (!this.element.classList.contains(severity)) this.element.className = `client ${severity}`;
    setText(this.#part('severity'), severity);
    setText(this.#part('brief'), say.briefOf(client, now));
    if (!this.element.open) return;
    this.#fillSaid(client, configs, now);
    this.#fillFailures(client, now);
    const changes = say.foldedOf(client.changes);
    drawPlots(this.#part('plots'), past, client.name, changes, now);
    this.#fillChanges(changes, now);
    this.#fillFigures(client);
    this.#fillForce(client, writable, now);
  }

  #fillSaid(client: ClientSnapshot, configs: Snapshot['configs'], now: number): void {
    const paragraphs = [say.failingOf(client, now), ...say.destinationsOf(client, now)];
    if (client.severity !== 'well' || client.changes.length > 0)
      paragraphs.push(say.lastChangeOf(client, configs, now));
    setTexts(
      this.#part('said'),
      paragraphs.filter((text) => text !== ''),
      'p',
    );
    // A circuit that is open or forced is told above, with more.
    setTexts(
      this.#part('reasons'),
      client.reasons.filter((reason) => !/^the circuit (to |is forced)/.test(reason)),
    );
    const advice = client.severity === 'well' ? [] : say.adviceOf(client);
    this.#part('advice').hidden = advice.length === 0;
    setList(this.#part('advices'), advice, adviceItem, fillAdvice);
  }

  #fillFailures({ failures, moreFailures }: ClientSnapshot, now: number): void {
    for (const [name, local] of [
      ['failures', false],
      ['refusals', true],
    ] as const) {
      const kinds = failures.filter((kind) => kind.local === local);
      this.#part(`${name}-of`).hidden = kinds.length === 0;
      setList(this.#part(name), kinds, failureItem, (item, kind) => fillFailure(item, kind, now));
    }
    showText(
      this.#part('more-failures'),
      moreFailures > 0 ? `and ${counted(moreFailures, 'further kind', 'further kinds')} of failures, longer ago` : '',
    );
  }

  #fillChanges(changes: readonly FoldedChange[], now: number): void {
    this.#part('changed').hidden = changes.length === 0;
    const fill = (item: HTMLElement, change: FoldedChange) => {
      setText(item, say.changeOf(change, now));
      item.className = change.level;
    };
    setList(this.#part('changes'), changes.slice(0, fewChanges), () => made('li'), fill);
    this.#part('earlier').hidden = changes.length <= fewChanges;
    setText(this.#part('earlier-count'), `${changes.length - fewChanges} earlier`);
    setList(this.#part('earlier-changes'), changes.slice(fewChanges), () => made('li'), fill);
  }

  #fillFigures(client: ClientSnapshot): void {
    for (const [name, text] of Object.entries(say.figuresShown(client))) setText(this.#part(name), text);
    const { destinations, hidden } = client;
    this.#part('destinations-of').hidden = destinations.length === 0;
    setText(this.#part('destinations-count'), counted(destinations.length + hidden, 'destination', 'destinations'));
    setList(this.#part('destinations'), destinations, destinationItem, fillDestination);
    showText(this.#part('more-destinations'), hidden > 0 ? `and ${number(hidden)} more, in /stats` : '');
  }

  #fillForce(client: ClientSnapshot, writable: boolean, now: number): void {
    const forced = say.forcedOf(client, now);
    const may = writable && client.breaker;
    this.#part('forced').hidden = forced === null;
    setText(this.#part('forced-text'), forced ?? '');
    this.#part('undo').hidden = !may;
    this.#part('force').hidden = !may;
    showText(this.#part('undo-how'), forced !== null && !may ? 'Only a writable admin page can undo this.' : '');
  }
}

function adviceItem(): HTMLElement {
  const link = made('a');
  link.target = '_blank';
  link.rel = 'noreferrer';
  return made('li', '', made('span'), ' ', link);
}

function fillAdvice(item: HTMLElement, { text, code, runbook }: ReturnType<typeof say.adviceOf>[number]): void {
  const [told, link] = [...item.children] as [HTMLElement, HTMLAnchorElement];
  // Backticks mark code.
  const parts = text.split('`').map((part, at) => (at % 2 === 0 ? part : made('code', '', part)));
  if (told.textContent !== text.replaceAll('`', '')) told.replaceChildren(...parts);
  setText(link, `Runbook: ${code}`);
  const { href, protocol } = new URL(runbook, document.baseURI);
  // A link of another kind, such as javascript:, would be a way in.
  if (/^https?:$/.test(protocol) && link.href !== href) link.href = href;
}

function failureItem(): HTMLElement {
  return made('li', '', made('b', 'count'), ' ', made('b', 'what'), ' ', made('span', 'when'), ' ', made('q'));
}

function fillFailure(item: HTMLElement, kind: FailedCalls, now: number): void {
  const [count, what, when, message] = [...item.children] as HTMLElement[];
  const told = say.failureOf(kind, now);
  setText(count as HTMLElement, told.count);
  setText(what as HTMLElement, told.what);
  setText(when as HTMLElement, told.when);
  showText(message as HTMLElement, kind.message);
}

function destinationItem(): HTMLElement {
  return made('li', '', made('span', 'address'), ' ', made('span', 'badge'), ' ', made('span', 'quiet'));
}

/** Normal states are shown in quiet text, others as a badge. */
function fillDestination(item: HTMLElement, to: DestinationFigures): void {
  const [address, badge, quiet] = [...item.children] as [HTMLElement, HTMLElement, HTMLElement];
  const { unwell, rest } = say.statesOf(to);
  setText(address, to.address);
  showText(badge, unwell.join(', '));
  badge.className = `badge ${to.circuit === 'open' ? 'failing' : 'degraded'}`;
  setText(quiet, rest.join(' · '));
}
