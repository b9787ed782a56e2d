/** Virtual time: timers fire in order, at once; between two of them everything that was promised is done. */

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  now: performance.now,
  date: Date.now,
};

/** A binary heap by time, then by order of arrival. */
class Heap {
  items = [];

  push(item) {
    const { items } = this;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (before(items[parent], item)) break;
      items[index] = items[parent];
      index = parent;
    }
    items[index] = item;
  }

  pop() {
    const { items } = this;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1], items[child])) child++;
      if (before(last, items[child])) break;
      items[index] = items[child];
      index = child;
    }
    items[index] = last;
    return first;
  }
}

function before(a, b) {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Runs `scenario` and what it sets going until virtual time `ms`; then the clocks of the process are its own again. */
export async function simulate(ms, scenario) {
  const heap = new Heap();
  const start = 1_000_000;
  let now = start;
  let order = 0;
  const add = (fn, delay, args) => {
    const timer = { at: now + Math.max(0, Number(delay) || 0), order: order++, fn, args, cancelled: false };
    timer.unref = timer.ref = () => timer;
    timer.hasRef = () => false;
    heap.push(timer);
    return timer;
  };
  globalThis.setTimeout = (fn, delay, ...args) => add(fn, delay, args);
  globalThis.setImmediate = (fn, ...args) => add(fn, 0, args);
  globalThis.clearTimeout = (timer) => {
    if (timer !== undefined && timer !== null) timer.cancelled = true;
  };
  performance.now = () => now;
  Date.now = () => now;
  // Calls fail by the hundred thousand here, and nobody reads where: noting it takes a fifth of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const result = scenario();
    await promised();
    while (heap.items.length > 0) {
      const timer = heap.pop();
      if (timer.cancelled) continue;
      if (timer.at > start + ms) break;
      now = timer.at;
      timer.fn(...timer.args);
      await promised();
    }
    return await result;
  } finally {
    Object.assign(globalThis, {
      setTimeout: real.setTimeout,
      clearTimeout: real.clearTimeout,
      setImmediate: real.setImmediate,
    });
    performance.now = real.now;
    Date.now = real.date;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Every promise that can be kept without time going by is: Node runs a tick when no promise is left to go on. */
function promised() {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** Milliseconds since the simulation began. */
export function elapsed() {
  return performance.now() - 1_000_000;
}

/** Calls `each` at the times of a Poisson process, `perSecond` on average, from now until `until`. */
export function poisson(perSecond, until, random, each) {
  const next = () => {
    if (elapsed() >= until) return;
    each();
    setTimeout(next, (-Math.log(1 - random()) * 1000) / perSecond);
  };
  setTimeout(next, (-Math.log(1 - random()) * 1000) / perSecond);
}

/** The same at even distances. */
export function evenly(perSecond, until, each) {
  const distance = 1000 / perSecond;
  const next = () => {
    if (elapsed() >= until) return;
    each();
    setTimeout(next, distance);
  };
  next();
}
