/** Ways to change the document that keep focus, scroll position and selection. Text is set as text, never as HTML. */

/** An element of page.html, by its id. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

/** The element in `root` with `data-part`. */
export function partOf<Kind extends HTMLElement = HTMLElement>(root: ParentNode, name: string): Kind {
  return root.querySelector(`[data-part="${name}"]`) as Kind;
}

export function made<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  ...content: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (className !== '') element.className = className;
  element.append(...content);
  return element;
}

/** Sets a text, unless it is the same, or a reader has selected a part of it. */
export function setText(element: Element, text: string): void {
  if (element.textContent === text || isSelected(element)) return;
  const [only] = element.childNodes;
  // A node that stays keeps what is near it in place.
  if (element.childNodes.length === 1 && only instanceof Text) only.data = text;
  else element.textContent = text;
}

function isSelected(element: Element): boolean {
  return selectedRange()?.intersectsNode(element) === true;
}

let known: { readonly range: Range | undefined } | undefined;

/** What is selected; undefined where nothing is. Asked once for all changes made together: each answer costs a layout. */
export function selectedRange(): Range | undefined {
  if (known === undefined) {
    const selection = getSelection();
    const range = selection !== null && selection.rangeCount > 0 ? selection.getRangeAt(0) : undefined;
    known = { range: range?.collapsed === false ? range : undefined };
    queueMicrotask(() => {
      known = undefined;
    });
  }
  return known.range;
}

/** Shows a text, or hides its element where there is none. */
export function showText(element: HTMLElement, text: string): void {
  setText(element, text);
  element.hidden = text === '';
}

/** Shows one child for each item; a child is changed and not replaced, and new ones come at the end. */
export function setList<Item, Child extends HTMLElement>(
  list: HTMLElement,
  items: readonly Item[],
  make: () => Child,
  fill: (child: Child, item: Item) => void,
): void {
  while (list.children.length > items.length) list.lastElementChild?.remove();
  for (const [index, item] of items.entries()) {
    const child = (list.children[index] as Child | undefined) ?? list.appendChild(make());
    fill(child, item);
  }
}

export function setTexts(list: HTMLElement, texts: readonly string[], name: 'li' | 'p' = 'li'): void {
  setList(list, texts, () => made(name), setText);
  list.hidden = texts.length === 0;
}

/** Puts children into the wanted order, moving others than `anchor`: what is moved loses the focus and the selection. */
export function arrange(parent: HTMLElement, wanted: readonly HTMLElement[], anchor: Element | undefined): void {
  const middle = Math.max(0, (wanted as readonly (Element | undefined)[]).indexOf(anchor));
  const [fixed] = wanted.slice(middle, middle + 1);
  if (fixed === undefined) return;
  if (fixed !== anchor && parent.firstElementChild !== fixed) parent.prepend(fixed);
  for (let index = middle - 1; index >= 0; index--) {
    const [one, next] = [wanted[index], wanted[index + 1]] as [HTMLElement, HTMLElement];
    if (next.previousElementSibling !== one) next.before(one);
  }
  for (let index = middle + 1; index < wanted.length; index++) {
    const [one, previous] = [wanted[index], wanted[index - 1]] as [HTMLElement, HTMLElement];
    if (previous.nextElementSibling !== one) previous.after(one);
  }
}

/** Runs `change`, then scrolls by what it moved the element that the reader looks at. */
export function inPlace(root: HTMLElement, isInUse: boolean, change: () => void): void {
  const anchor = lookedAt(root, isInUse);
  const before = anchor?.getBoundingClientRect().top ?? 0;
  change();
  if (anchor === undefined || !anchor.isConnected) return;
  const moved = anchor.getBoundingClientRect().top - before;
  makeRoom(Math.max(0, moved));
  if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: 'instant' });
}

/** Space below the page, as far as the window ends below it after scrolling: otherwise it could not be scrolled so far. */
let room = 0;

function makeRoom(further: number): void {
  const height = document.documentElement.offsetHeight - room;
  const needed = scrollY + further === 0 ? 0 : Math.max(0, Math.ceil(scrollY + further + innerHeight - height));
  if (needed === room) return;
  document.documentElement.style.paddingBottom = `${needed}px`;
  room = needed;
}

/**
 * What is under the pointer, else what has the focus, else the first card that is seen. Nothing for a reader who rests at
 * the top of the page, as on a screen on a wall: there the worst client comes into sight.
 */
function lookedAt(root: HTMLElement, isInUse: boolean): Element | undefined {
  const focused = root.querySelector(':focus-visible');
  const rests = !isInUse && scrollY === 0;
  if (rests) return focused ?? undefined;
  const hovered = [...root.querySelectorAll(':hover')].at(-1);
  if (hovered !== undefined) return hovered;
  if (focused !== null && isOnScreen(focused)) return focused;
  return scrollY > 0 ? [...root.children].find(isOnScreen) : undefined;
}

function isOnScreen(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}
