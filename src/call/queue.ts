/**
 * A queue whose items may leave from any place: adding, taking the first and removing one cost the same at any length.
 *
 * Also the list of whatever comes and goes with calls. A `Set` would keep them alive: V8 replaces its table again and again,
 * and each table points to the next. A full collection moves the current table to the old generation, where it keeps
 * alive every later table, and the calls that were in it, until the next full collection. That took 2 us of each call.
 */

/** The place of an item in a queue. */
export class QueuePlace<Item> {
  readonly item: Item;
  /** The places around it; itself where it is in no queue. */
  before: QueuePlace<Item> = this;
  after: QueuePlace<Item> = this;

  constructor(item: Item) {
    this.item = item;
  }
}

/** First in, first out. A list that is linked in both directions: an array would move its items when one leaves. */
export class Queue<Item> {
  /** Stands after the last place and before the first one. */
  readonly #ends = new QueuePlace(undefined as Item);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an item at the end; its place is what `remove` takes. */
  add(item: Item): QueuePlace<Item> {
    const place = new QueuePlace(item);
    this.#append(place);
    this.#size++;
    return place;
  }

  /** Removes an item, and returns false where it is no longer in the queue, or never was. */
  remove(place: QueuePlace<Item> | undefined): boolean {
    if (place === undefined || place.after === place) return false;
    const { before, after } = place;
    before.after = after;
    after.before = before;
    place.before = place;
    place.after = place;
    this.#size--;
    return true;
  }

  /** Moves an item of this queue to its end. */
  moveToEnd(place: QueuePlace<Item>): void {
    place.before.after = place.after;
    place.after.before = place.before;
    this.#append(place);
  }

  #append(place: QueuePlace<Item>): void {
    const last = this.#ends.before;
    place.before = last;
    place.after = this.#ends;
    last.after = place;
    this.#ends.before = place;
  }

  /** The first item; undefined where there is none. */
  get first(): Item | undefined {
    return this.#ends.after.item;
  }

  /** The items in their order. None may leave the queue meanwhile: see `items`. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let place = this.#ends.after; place !== this.#ends; place = place.after) yield place.item;
  }

  /** The items in their order, as a list of their own. */
  items(): Item[] {
    return [...this];
  }

  /** Removes the first item; undefined where there is none. */
  shift(): Item | undefined {
    const { after } = this.#ends;
    this.remove(after);
    return after.item;
  }

  /** Removes the last item; undefined where there is none. */
  pop(): Item | undefined {
    const { before } = this.#ends;
    this.remove(before);
    return before.item;
  }

  /** Removes all items and returns them in their order. */
  takeAll(): Item[] {
    const items: Item[] = [];
    while (this.#size > 0) items.push(this.shift() as Item);
    return items;
  }
}
